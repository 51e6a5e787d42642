"""The word between `topshelf up` and what runs."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.cli.control import Control, Request, _short, ask_for_update
from topshelf.errors import UnavailableError


@pytest.fixture(params=["short", "long"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    # Longer than the 108 bytes that the path of a socket may have.
    made = tmp_path if request.param == "short" else tmp_path / ("x" * 120)
    made.mkdir(exist_ok=True)
    return made


@pytest.fixture
def answered(folder: Path) -> Iterator[Callable[[Callable[[Request], None]], threading.Thread]]:
    with Control(folder) as control:

        def by(answer: Callable[[Request], None]) -> threading.Thread:
            def take() -> None:
                request = control.take(5)
                assert request is not None
                answer(request)

            thread = threading.Thread(target=take, daemon=True)
            thread.start()
            return thread

        yield by


def ignore(_stage: str, _done: int, _total: int) -> None:
    return None


def test_who_asks_hears_how_far_it_is_and_what_changed(
    folder: Path, answered: Callable[[Callable[[Request], None]], threading.Thread]
) -> None:
    steps: list[tuple[str, int, int]] = []

    def answer(request: Request) -> None:
        request.progress("deploy", 1, 2)
        request.done(["added: Queue", "removed: Ümlaut"])

    answered(answer)
    lines = ask_for_update(folder, lambda *step: steps.append(step))
    assert lines == ["added: Queue", "removed: Ümlaut"]
    assert steps == [("deploy", 1, 2)]
    answered(lambda request: request.done([]))
    assert ask_for_update(folder, ignore) == []


def test_what_went_wrong_is_an_error(
    folder: Path, answered: Callable[[Callable[[Request], None]], threading.Thread]
) -> None:
    answered(lambda request: request.failed("the reason"))
    with pytest.raises(UnavailableError, match="the reason"):
        ask_for_update(folder, ignore)


def test_who_is_waiting_when_it_ends_hears_so(folder: Path) -> None:
    heard: list[str] = []

    def ask() -> None:
        with pytest.raises(UnavailableError) as caught:
            ask_for_update(folder, ignore)
        heard.append(str(caught.value))

    with Control(folder) as control:
        waiting = threading.Thread(target=ask, daemon=True)
        waiting.start()
        while control._requests.empty():
            waiting.join(0.01)
    waiting.join(5)
    assert heard == ["the local cloud is being ended"]


def test_where_nothing_listens_it_cannot_be_asked(folder: Path) -> None:
    with pytest.raises(UnavailableError, match=r"cannot be asked \(No such file"):
        ask_for_update(folder, ignore)
    with Control(folder):
        pass
    assert not (folder / "control").exists()


def test_what_one_that_was_killed_has_left_is_in_nobodys_way(folder: Path) -> None:
    (folder / "control").touch()
    with Control(folder) as control:
        assert control.take(0) is None
        assert (folder / "control").stat().st_mode & 0o077 == 0


def test_other_words_and_silence_are_not_requests(
    folder: Path, answered: Callable[[Callable[[Request], None]], threading.Thread]
) -> None:
    for word in (b"", b"{", b"[]\n", b'{"ask": "down"}\n'):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(5)
            with _short(folder) as path:
                stranger.connect(path)
            stranger.sendall(word)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(100) == b""
    answered(lambda request: request.done([]))
    assert ask_for_update(folder, ignore) == []


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(UnavailableError, match="cannot write to /proc"), Control(Path("/proc")):
        pass
