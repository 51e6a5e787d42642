"""The word between `topshelf up` and a local cloud that runs: deploy the template anew.

A socket in the folder of the cloud's records, which nobody but the user can open. One line of JSON
asks; lines answer: how far it is, and in the end what changed, or what went wrong.
"""

import contextlib
import json
import os
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from infra.cli.console import Progress
from infra.local.folders import writing_to
from infra.local.run_record import CONTROL
from topshelf.errors import UnavailableError

__all__ = ["Control", "Request", "ask_for_update"]

_ASKED: Final = "update"
_ASK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody who wants the template deployed, and waits."""

    _connection: socket.socket

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tells how far it is."""
        self._say({"progress": [stage, done, total]})

    def done(self, lines: Sequence[str]) -> None:
        """Tells what changed; nothing where there is no line."""
        self._end({"done": list(lines)})

    def failed(self, text: str) -> None:
        """Tells that nothing changed, and why."""
        self._end({"failed": text})

    def _end(self, answer: Any) -> None:
        self._say(answer)
        self._connection.close()

    def _say(self, answer: Any) -> None:
        # Who waited may have gone; what was asked for goes on.
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(answer).encode() + b"\n")


class Control:
    """Takes requests for as long as the block runs.

    Args:
        folder: Of the cloud's records, ours.

    Raises:
        UnavailableError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._requests: queue.Queue[Request] = queue.Queue()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._listen, daemon=True, name="control")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undone, writing_to(self._folder):
            undone.callback(self._listener.close)
            # One that was killed has left its own.
            (self._folder / CONTROL).unlink(missing_ok=True)
            with _short(self._folder) as path:
                self._listener.bind(path)
            (self._folder / CONTROL).chmod(0o600)
            self._listener.listen()
            undone.pop_all()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        (self._folder / CONTROL).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()
        self._listener.close()
        while (waiting := self.take(0)) is not None:
            waiting.failed("the local cloud is being ended")

    def take(self, seconds: float) -> Request | None:
        """The next request; None if none comes.

        Args:
            seconds: Longest wait.
        """
        try:
            return self._requests.get(timeout=seconds) if seconds else self._requests.get_nowait()
        except queue.Empty:
            return None

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if _asks(connection):
                self._requests.put(Request(connection))
            else:
                connection.close()


def ask_for_update(folder: Path, progress: Progress) -> list[str]:
    """Has a local cloud that runs deploy its template anew, and waits until it has.

    Args:
        folder: Of its records.
        progress: Told how far it is.

    Returns:
        What changed, for people; nothing where the template says the same.

    Raises:
        UnavailableError: It cannot be asked, or it could not deploy it; the text says why.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            with _short(folder) as path:
                connection.connect(path)
            connection.sendall(json.dumps({"ask": _ASKED}).encode() + b"\n")
            for line in connection.makefile("rb"):
                answer = json.loads(line)
                if "failed" in answer:
                    raise UnavailableError(answer["failed"])
                if "done" in answer:
                    return [str(line) for line in answer["done"]]
                progress(*answer["progress"])
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnavailableError(f"the local cloud cannot be asked ({reason})") from error
    raise UnavailableError("the local cloud ended before it had answered")


def _asks(connection: socket.socket) -> bool:
    connection.settimeout(_ASK_SECONDS)
    try:
        with connection.makefile("rb") as file:
            asked = json.loads(file.readline(1024))
        connection.settimeout(None)
    except (OSError, ValueError):
        return False
    return isinstance(asked, dict) and asked.get("ask") == _ASKED


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The socket's path, short enough for one (108 bytes) however long the folder's is."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{CONTROL}"
    finally:
        os.close(descriptor)
