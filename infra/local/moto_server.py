"""The emulator's process: a moto server that leaves calling functions to the local cloud.

moto itself calls a function on every write to a table with an event source mapping: through
Docker, with every record since the first, and it forgets the records when the call answers. The
local cloud plays event sources (``streams``), so that is switched off here. And reading a stream
costs it half a millisecond a record, most of a large import's time, which is mended; and so is its
import of tables, which leaves escapes in JSON as they stand and ends a string at an escaped quote.

Usage: ``python -m infra.local.moto_server PORT [FOLDER SECONDS]``. The process ends when its
standard input does. With a folder it begins with the state that the folder keeps, and keeps there
what it holds: every so many seconds, and in the end, however the process that started it ended.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from moto.awslambda.models import LambdaBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import FakeKey
from moto.server import main as serve
from py_partiql_parser import JsonParser

from infra.local.moto_exit import NOT_BEGUN, NOT_KEPT
from infra.local.moto_gate import Gate, gated
from infra.local.moto_state import MotoState
from infra.local.moto_tables import on_the_wire
from infra.local.state_folder import StateFolder, saved_at
from topshelf.errors import TopshelfError

__all__ = ["main", "mend_moto"]

_LONGEST_PAUSE: Final = 30.0


class Keeper:
    """Keeps the state in a folder, and tells how that goes.

    Args:
        folder: It.
        pause: Seconds between two times.

    Raises:
        TopshelfError: The folder cannot be used, or its state not be brought back.
    """

    def __init__(self, folder: Path, pause: float) -> None:
        self._pause = pause
        self.gate = Gate()
        self._state = MotoState(StateFolder(folder), self.gate)
        self._state.restore()
        self._state.watch()
        self._told: dict[str, Any] = {"kept_at": saved_at(folder), "fault": None}

    def told(self) -> dict[str, Any]:
        """When the state was last kept, and why it could not be since; for JSON."""
        return self._told

    def run(self) -> None:
        """Keeps the state every few seconds, for ever."""
        pause = self._pause
        while True:
            time.sleep(pause)
            began = time.monotonic()
            self.keep()
            # A large change costs a quarter of the time, but the next is not far off.
            took = time.monotonic() - began
            pause = max(self._pause, min(3 * took, _LONGEST_PAUSE))

    def keep(self, *, last: bool = False) -> bool:
        """Keeps the state now.

        Args:
            last: Whether nothing is to be answered afterwards.

        Returns:
            Whether it is kept; if not, what was kept before stands.
        """
        began = time.time()
        try:
            self._state.save(last=last)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may do
            reason = error.strerror if isinstance(error, OSError) else None
            self._told = {**self._told, "fault": reason or repr(error)}
            lost = "the last changes could not be kept" if last else "the state cannot be kept"
            _say(f"{lost}: {reason or repr(error)}")
            return False
        self._told = {"kept_at": began, "fault": None}
        return True


def main(port: str, folder: str | None = None, pause: str = "5") -> None:
    """Serves until standard input closes.

    Args:
        port: Where to listen, on loopback.
        folder: Keeps the state between runs; None for none.
        pause: Seconds between two times that it is kept.
    """
    mend_moto()
    # A line for each request costs time and fills the log.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    keeper = _keeper(Path(folder), float(pause)) if folder else None
    if keeper is not None:
        answer = gated(DomainDispatcherApplication.__call__, keeper.gate, keeper.told)
        setattr(DomainDispatcherApplication, "__call__", answer)  # noqa: B010 - mypy minds the other
        threading.Thread(target=keeper.run, daemon=True).start()
    threading.Thread(target=_end_with_parent, args=(keeper,), daemon=True).start()
    try:
        # Returns, or exits, on TERM.
        serve(["-H", "127.0.0.1", "-p", port])
    finally:
        _end(keeper)


def _keeper(folder: Path, pause: float) -> Keeper:
    try:
        return Keeper(folder, pause)
    except TopshelfError as error:
        _say(str(error))
        sys.exit(NOT_BEGUN)


def _end(keeper: Keeper | None) -> None:
    status = NOT_KEPT
    try:
        if keeper is None or keeper.keep(last=True):
            status = 0
    finally:
        os._exit(status)


def mend_moto() -> None:
    """Replaces, in this process, what moto does otherwise than AWS; see above."""
    for owner, method, replacement in (
        (LambdaBackend, "send_dynamodb_items", _nothing),
        (DynamoDBStreamsHandler, "get_records", _get_records),
        (JsonParser, "parse", staticmethod(_json_lines)),
        (FakeKey, "__deepcopy__", _itself),
    ):
        setattr(owner, method, replacement)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _nothing(*_arguments: Any) -> None:
    return None


def _itself(key: Any, _memo: Any) -> Any:
    # A listing of versions copies each object whole, and keeps the copies.
    return key


def _json_lines(original: str) -> Iterator[Any]:
    # Not splitlines: a JSON string may hold the line ends of other scripts as they are.
    return (json.loads(line) for line in original.split("\n") if line.strip())


def _get_records(handler: Any) -> str:
    request = json.loads(handler.body)
    limit = request.get("Limit", 1000)
    # Not through moto's serializer: the records have the wire's shape already.
    return json.dumps(
        handler.backend.get_records(request["ShardIterator"], limit), default=on_the_wire
    )


def _end_with_parent(keeper: Keeper | None) -> None:
    sys.stdin.buffer.read()
    _end(keeper)


if __name__ == "__main__":
    main(*sys.argv[1:])
