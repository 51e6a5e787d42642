"""The first row of each key, in the order of arrival, in memory that rows do not make grow."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from hashlib import blake2b
from struct import Struct
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["FirstOfEach"]

_PARTS = 128
_HELD = 1 << 18
_KNOWN = 1 << 20

_HEAD = Struct("<BI")  # repeat?, length of the row
_OFFSET = Struct("<Q")
_MARK = b"\x01"
_KEY = np.dtype([("high", "<u8"), ("low", "<u8"), ("at", "<u8")])

_Keys = NDArray[np.void]


class FirstOfEach(AbstractContextManager["FirstOfEach"]):
    """Takes rows with keys; gives back those whose key came first, when all have come.

    Rows are written to a temporary file, and their keys, as 16-byte digests with the row's place
    in the file, to 128 others by their hash. At the end one file of keys after another is sorted,
    and the rows that repeat a key are marked in their place; then the rows are read once more.

    Memory: under 150 MB for any number of rows. 262,144 keys wait (24 bytes each); 1,048,576
    different ones are compared at a time (24 bytes each, and sorting takes three times as much).
    A file of more, which takes 134 million rows, is read once for each million in it.
    Disk: 29 bytes a row and the rows themselves.
    Digests: of 10**12 different keys, two share one with a probability of 2 in 10**15.

    Attributes:
        repeats: Rows that rows() has left out or will leave out; known when it has begun.
    """

    def __init__(self, *, held: int = _HELD, known: int = _KNOWN) -> None:
        """Builds an empty one.

        Args:
            held: Keys that wait in memory before they go to the files.
            known: Different keys compared at a time, more or less.
        """
        self.repeats = 0
        self._held = held
        self._known = known
        self._keys = bytearray()
        self._end = 0
        self._open = ExitStack()
        self._parts: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        """Makes the file of rows; those of keys are made when they are needed."""
        self._rows = self._file()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Removes the temporary files."""
        self._open.close()

    def add(self, key: str, row: bytes) -> None:
        """Takes a row.

        Args:
            key: What makes two rows the same.
            row: At most 4 GiB.
        """
        self._keys += blake2b(key.encode(), digest_size=16).digest() + _OFFSET.pack(self._end)
        self._rows.write(_HEAD.pack(0, len(row)) + row)
        self._end += _HEAD.size + len(row)
        if len(self._keys) >= self._held * _KEY.itemsize:
            self._spill()

    def rows(self) -> Iterator[bytes]:
        """The first row of each key, in the order in which they came. Call it once, at the end."""
        self._rows.flush()
        if self._parts:
            self._spill()
            for part in self._parts:
                self._mark_part(part)
        else:
            self._mark_repeats([self._taken()])
        self._rows.seek(0)
        while head := self._rows.read(_HEAD.size):
            is_repeat, size = _HEAD.unpack(head)
            row = self._rows.read(size)
            if not is_repeat:
                yield row

    def _file(self) -> IO[bytes]:
        # Without a name: it goes with the process, even one that is killed.
        return self._open.enter_context(TemporaryFile())

    def _taken(self) -> _Keys:
        keys = np.frombuffer(bytes(self._keys), _KEY)
        self._keys.clear()
        return keys

    def _spill(self) -> None:
        if not self._parts:
            self._parts = [self._file() for _ in range(_PARTS)]
        keys = self._taken()
        owner = keys["low"] % _PARTS
        # Stable: within a part keys stay in the order of arrival.
        order = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[order], np.arange(_PARTS), side="right")
        for part, own in zip(self._parts, np.split(keys[order], ends[:-1]), strict=True):
            part.write(own.tobytes())

    def _mark_part(self, part: IO[bytes]) -> None:
        passes = -(-part.tell() // (_KEY.itemsize * self._known))
        for turn in range(passes):
            self._mark_repeats(
                chunk[chunk["high"] % np.uint64(passes) == turn] for chunk in self._chunks(part)
            )

    def _chunks(self, part: IO[bytes]) -> Iterator[_Keys]:
        part.seek(0)
        while content := part.read(self._held * _KEY.itemsize):
            yield np.frombuffer(content, _KEY)

    def _mark_repeats(self, chunks: Iterable[_Keys]) -> None:
        known: NDArray[Any] = np.empty(0, _KEY)
        for chunk in chunks:
            both = np.concatenate((known, chunk))
            # Stable too: of equal keys the one that came first stands first.
            both = both[np.lexsort((both["low"], both["high"]))]
            is_repeat = np.zeros(len(both), bool)
            is_repeat[1:] = both["high"][1:] == both["high"][:-1]
            is_repeat[1:] &= both["low"][1:] == both["low"][:-1]
            for at in both["at"][is_repeat].tolist():
                os.pwrite(self._rows.fileno(), _MARK, at)
            known = both[~is_repeat]
            self.repeats += len(both) - len(known)
