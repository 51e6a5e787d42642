"""The emulator's process: a moto server that leaves calling functions to the local cloud.

moto itself calls a function on every write to a table with an event source mapping: through
Docker, with every record since the first, and it forgets the records when the call answers. The
local cloud plays event sources (``streams``), so that is switched off here. And reading a stream
costs it half a millisecond a record, most of a large import's time, which is mended; and so is its
import of tables, which leaves escapes in JSON as they stand and ends a string at an escaped quote.

Usage: ``python -m infra.local.moto_server PORT``. The process ends when its standard input does.
"""

import base64
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.models import LambdaBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.server import main as serve
from py_partiql_parser import JsonParser

__all__ = ["main", "mend_moto"]


def main(port: str) -> None:
    """Serves until standard input closes.

    Args:
        port: Where to listen, on loopback.
    """
    mend_moto()
    # A line for each request costs time and fills the log.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(["-H", "127.0.0.1", "-p", port])


def mend_moto() -> None:
    """Replaces, in this process, what moto does otherwise than AWS; see above."""
    for owner, method, replacement in (
        (LambdaBackend, "send_dynamodb_items", _nothing),
        (DynamoDBStreamsHandler, "get_records", _get_records),
        (JsonParser, "parse", staticmethod(_json_lines)),
    ):
        setattr(owner, method, replacement)


def _nothing(*_arguments: Any) -> None:
    return None


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


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
