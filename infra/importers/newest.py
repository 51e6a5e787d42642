"""The newest events of every viewer, kept while all events stream by."""

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import accumulate
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self
from zlib import crc32

from topshelf.events import Interaction, parse_stored

__all__ = ["NewestPerViewer"]

_PARTS = 64
_HEAD = struct.Struct("<QI")

_Kept = tuple[int, bytes]  # time, line


class NewestPerViewer(AbstractContextManager["NewestPerViewer"]):
    """Keeps at most ``limit`` newest events a viewer, in bounded memory.

    Up to ``max_rows`` events are held (about 300 bytes each, 150 MB by default). When they are
    full, all are appended to one of 64 temporary files by a hash of the viewer, and memory starts
    afresh; at the end one file after another is read back and cut to the limit once more. So a
    million viewers with 200 events each cost 150 MB while streaming, 1 GB at the end (a 64th of
    them), and 40 GB of temporary disk; a million with 50 each a quarter of that.
    """

    def __init__(self, limit: int = 200, max_rows: int = 500_000) -> None:
        """Builds an empty keeper.

        Args:
            limit: Events a viewer.
            max_rows: Events in memory.
        """
        self._limit = limit
        self._max_rows = max_rows
        self._rows = 0
        self._kept: dict[str, list[_Kept]] = {}
        self._parts: list[IO[bytes]] = []
        self._open = ExitStack()
        self._given = 0.0

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Removes the temporary files."""
        self._open.close()

    def __enter__(self) -> Self:
        """Nothing to prepare: files are made when memory is full."""
        return self

    def add(self, user_id: str | None, timestamp: int, line: bytes) -> None:
        """Keeps an event, if it has a viewer.

        Args:
            user_id: The viewer.
            timestamp: The event's time, UTC milliseconds.
            line: The event, as encode_line writes it.
        """
        if user_id is None:
            return
        kept = self._kept.setdefault(user_id, [])
        kept.append((timestamp, line))
        self._rows += 1
        # Cutting at twice the limit sorts each event a few times only.
        if len(kept) >= 2 * self._limit:
            self._rows -= len(kept) - self._limit
            self._kept[user_id] = _newest(kept, self._limit)
        if self._rows >= self._max_rows:
            self._spill()

    def viewers(self) -> Iterator[list[Interaction]]:
        """Each viewer's newest events, newest first; the keeper is empty afterwards."""
        if self._parts:
            self._spill()
        sizes = [part.tell() for part in self._parts] or [1]
        ends = [end / sum(sizes) for end in accumulate(sizes)]
        for part, begin, end in zip(self._parts or (None,), [0.0, *ends], ends, strict=False):
            if part is not None:
                self._load(part)
            viewers = len(self._kept)
            while self._kept:
                _, kept = self._kept.popitem()
                self._given = end - (end - begin) * len(self._kept) / viewers
                yield [parse_stored(line) for _, line in _newest(kept, self._limit)]
        self._rows = 0

    def share_given(self) -> float:
        """The part of the viewers that viewers() has given so far, 0..0.99, about."""
        # What has been given is not yet recorded.
        return min(self._given, 0.99)

    def _spill(self) -> None:
        if not self._parts:
            # Without names: they go with the process, even one that is killed.
            self._parts = [
                self._open.enter_context(TemporaryFile())  # noqa: SIM115 - entered here
                for _ in range(_PARTS)
            ]
        for user_id, kept in self._kept.items():
            owner = user_id.encode()
            part = self._parts[crc32(owner) % _PARTS]
            for timestamp, line in kept:
                part.write(_HEAD.pack(timestamp, len(owner) << 20 | len(line)) + owner + line)
        self._kept.clear()
        self._rows = 0

    def _load(self, part: IO[bytes]) -> None:
        part.seek(0)
        while head := part.read(_HEAD.size):
            timestamp, sizes = _HEAD.unpack(head)
            owner = part.read(sizes >> 20).decode()
            self._kept.setdefault(owner, []).append((timestamp, part.read(sizes & 0xFFFFF)))


def _newest(kept: list[_Kept], limit: int) -> list[_Kept]:
    return sorted(kept, reverse=True)[:limit]
