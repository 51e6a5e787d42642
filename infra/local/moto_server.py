"""The emulator's process: a moto server that leaves calling functions to the local cloud.

moto itself calls a function on every write to a table with an event source mapping: through
Docker, with every record since the first, and it forgets the records when the call answers. The
local cloud plays event sources (``streams``), so that is switched off here. And reading a stream
costs it half a millisecond a record, most of a large import's time, which is mended; and so is its
import of tables, which leaves escapes in JSON as they stand and ends a string at an escaped quote.

Usage: ``python -m infra.local.moto_server PORT [FOLDER]``. The process ends when its standard input
does. With a folder it begins with the state that the folder keeps, and keeps there what it holds:
every few seconds, and in the end, however the process that started it ended.
"""

import base64
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from moto.awslambda.models import LambdaBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.s3.models import FakeKey
from moto.server import main as serve
from py_partiql_parser import JsonParser

from infra.local.moto_exit import NOT_BEGUN, NOT_KEPT
from infra.local.moto_state import MotoState
from infra.local.state_folder import StateFolder
from topshelf.errors import TopshelfError

__all__ = ["main", "mend_moto"]

_PAUSE_SECONDS: Final = 5.0


def main(port: str, folder: str | None = None) -> None:
    """Serves until standard input closes.

    Args:
        port: Where to listen, on loopback.
        folder: Keeps the state between runs; None for none.
    """
    mend_moto()
    # A line for each request costs time and fills the log.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    state = _restored(Path(folder)) if folder else None
    if state is not None:
        threading.Thread(target=_keep_on_saving, args=(state,), daemon=True).start()
    threading.Thread(target=_end_with_parent, args=(state,), daemon=True).start()
    try:
        # Returns, or exits, on TERM.
        serve(["-H", "127.0.0.1", "-p", port])
    finally:
        _end(state)


def _restored(folder: Path) -> MotoState:
    try:
        state = MotoState(StateFolder(folder))
        state.restore()
    except TopshelfError as error:
        _say(str(error))
        sys.exit(NOT_BEGUN)
    state.watch()
    return state


def _keep_on_saving(state: MotoState) -> None:
    pause = _PAUSE_SECONDS
    while True:
        time.sleep(pause)
        began = time.monotonic()
        try:
            state.save()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try may do
            _say(f"the state cannot be kept: {error!r}; trying again")
        # A large state costs a tenth of the time, however long it takes.
        pause = max(_PAUSE_SECONDS, 9 * (time.monotonic() - began))


def _end(state: MotoState | None) -> None:
    status = NOT_KEPT
    try:
        if state is not None:
            state.save()
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, the process must end
        _say(f"the last changes could not be kept: {error!r}")
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
        handler.backend.get_records(request["ShardIterator"], limit), default=_on_the_wire
    )


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, datetime):
        # moto's times are UTC and say nothing of it.
        return value.replace(tzinfo=UTC).timestamp()
    return base64.b64encode(value).decode()


def _end_with_parent(state: MotoState | None) -> None:
    sys.stdin.buffer.read()
    _end(state)


if __name__ == "__main__":
    main(*sys.argv[1:])
