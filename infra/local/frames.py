"""Length-prefixed messages between the local cloud and its workers."""

import os
import select
import struct
import time
from typing import Final

__all__ = ["ChannelClosedError", "read_frame", "write_frame"]

_LENGTH: Final = struct.Struct(">I")
_CHUNK: Final = 1 << 20


class ChannelClosedError(Exception):
    """The other side has gone."""


def write_frame(descriptor: int, content: bytes) -> None:
    """Writes one message.

    Raises:
        ChannelClosedError: Nobody reads.
    """
    view = memoryview(_LENGTH.pack(len(content)) + content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise ChannelClosedError from error


def read_frame(descriptor: int, deadline: float | None = None) -> bytes:
    """Reads one message.

    Args:
        descriptor: Where.
        deadline: Of ``time.monotonic``; None to wait for as long as it takes.

    Raises:
        ChannelClosedError: The writer has gone.
        TimeoutError: The deadline has passed.
    """
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size, deadline))
    return _read(descriptor, length, deadline)


def _read(descriptor: int, length: int, deadline: float | None) -> bytes:
    parts: list[bytes] = []
    missing = length
    while missing:
        if deadline is not None:
            _await_readable(descriptor, deadline)
        part = os.read(descriptor, min(missing, _CHUNK))
        if not part:
            raise ChannelClosedError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _await_readable(descriptor: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    remaining = deadline - time.monotonic()
    if remaining <= 0 or not poll.poll(remaining * 1000):
        raise TimeoutError
