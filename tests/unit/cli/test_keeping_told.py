"""What `status` and `down` say of the state that is kept, or is not."""

import os
from pathlib import Path

import pytest

from infra.cli import status
from infra.cli.down import _lost
from infra.local.keeping import Keeping, keeping
from tests.builders.records import run_record

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "goes when it ends (--persist DIR keeps it)"),
        (Keeping(NOW - 3, None), "/kept, kept 3 s ago"),
        (Keeping(None, None), "/kept, not kept yet"),
        (
            Keeping(NOW - 120, "No space left on device"),
            "/kept, kept 2 min ago, and cannot be kept since: No space left on device",
        ),
    ],
)
def test_status_says_where_it_is_kept_since_when_and_why_not(
    state: Keeping | None, said: str
) -> None:
    assert status._kept(run_record(persist="/kept"), state, NOW) == said


def test_without_an_answer_the_folder_tells_when_it_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "keeping", lambda _url: None)
    assert status._state(run_record()) is None
    record = run_record(persist=str(tmp_path))
    assert status._state(record) == Keeping(None, None)
    (tmp_path / "state.json").touch()
    os.utime(tmp_path / "state.json", (NOW, NOW))
    assert status._state(record) == Keeping(NOW, None)


def test_down_says_what_could_not_be_kept_and_nothing_where_all_was(tmp_path: Path) -> None:
    record = run_record(persist=str(tmp_path))
    assert _lost(run_record(), NOW) == ""
    assert _lost(record, NOW).endswith(f"could not be kept in {tmp_path}: nothing is kept")
    (tmp_path / "state.json").touch()
    os.utime(tmp_path / "state.json", (NOW - 60, NOW - 60))
    assert _lost(record, NOW).endswith("what was kept 1 min before stands")
    os.utime(tmp_path / "state.json", (NOW + 1, NOW + 1))
    assert _lost(record, NOW) == ""


class Answer:
    def __init__(self, content: bytes) -> None:
        self.content = content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"kept_at": 1.5, "fault": null}', Keeping(1.5, None)),
        (b'{"kept_at": null, "fault": "full"}', Keeping(None, "full")),
        (b"<html>", None),
    ],
)
def test_an_emulator_that_keeps_nothing_says_nothing(
    content: bytes, told: Keeping | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.Session.get", lambda *_, **__: Answer(content))
    assert keeping("http://localhost:1") == told
