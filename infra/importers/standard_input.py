"""Standard input as a file that can be looked at first and read once."""

from io import BufferedReader, RawIOBase
from typing import BinaryIO

from infra.importers.input_file import HEAD_BYTES
from topshelf.errors import InvalidInputError

__all__ = ["StandardInput"]


class StandardInput:
    """An InputFile of a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        """Builds the file and reads its first bytes; they are not lost.

        Args:
            stream: Binary, at its beginning; it stays open.
        """
        self._stream = stream
        self._head = stream.read(HEAD_BYTES)
        self._is_read = False

    @property
    def name(self) -> str:
        """See InputFile."""
        return "standard input"

    @property
    def where(self) -> str:
        """See InputFile."""
        return "standard input"

    @property
    def size(self) -> int | None:
        """See InputFile: it ends when it ends."""
        return None

    def head(self) -> bytes:
        """See InputFile."""
        return self._head

    def open(self) -> BufferedReader:
        """See InputFile; only once.

        Raises:
            InvalidInputError: It has been read; field ``path``.
        """
        if self._is_read:
            raise InvalidInputError("path", "standard input can be read only once")
        self._is_read = True
        return BufferedReader(_Joined(self._head, self._stream))


class _Joined(RawIOBase):
    """Some bytes, then the rest of a stream."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = memoryview(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._start[: len(buffer)] if self._start else self._rest.read(len(buffer))
        self._start = self._start[len(part) :]
        buffer[: len(part)] = part
        return len(part)
