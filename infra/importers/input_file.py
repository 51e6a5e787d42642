"""Files to import, wherever they lie: opened again and again, unpacked by their content."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from topshelf.errors import InvalidInputError

__all__ = ["HEAD_BYTES", "InputFile", "LocalFile", "head_of", "unpacked"]

HEAD_BYTES = 64 * 1024
"""What is looked at to find a file's format."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31


class InputFile(Protocol):
    """Bytes with a name."""

    @property
    def name(self) -> str:
        """Without its folder."""

    @property
    def where(self) -> str:
        """For a person: enough to find it."""

    def head(self) -> bytes:
        """The first HEAD_BYTES as they are stored; open still begins at the beginning.

        Raises:
            OSError: It cannot be read.
            UnavailableError: The store that holds it does not answer.
        """

    def open(self) -> BufferedReader:
        """All of it as it is stored; raises as head does."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine.

    Attributes:
        path: Where it is.
    """

    path: Path

    @property
    def name(self) -> str:
        """See InputFile."""
        return self.path.name

    @property
    def where(self) -> str:
        """See InputFile."""
        return str(self.path)

    def head(self) -> bytes:
        """See InputFile."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    def open(self) -> BufferedReader:
        """See InputFile."""
        return self.path.open("rb")


@contextmanager
def unpacked(file: InputFile) -> Iterator[BufferedReader | GzipFile]:
    """Opens a file; gzip is known by its first bytes, and expected where the name says ``.gz``.

    Raises:
        InvalidInputError: It is compressed in a way that is not read; field ``path``.
        OSError: It cannot be read.
    """
    with file.open() as raw:
        start = raw.peek(4)[:4]
        _refuse_zstandard(file, start)
        if start.startswith(_GZIP) or file.name.endswith(".gz"):
            with gzip.open(raw) as plain:
                yield plain
        else:
            yield raw


def head_of(file: InputFile) -> bytes:
    """The first unpacked bytes of a file, at most HEAD_BYTES; nothing of what is damaged.

    Raises:
        InvalidInputError: It cannot be read, or is compressed with Zstandard; field ``path``.
    """
    try:
        head = file.head()
    except OSError as error:
        raise InvalidInputError("path", f"{file.where} cannot be read: {error.strerror}") from error
    _refuse_zstandard(file, head)
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _refuse_zstandard(file: InputFile, start: bytes) -> None:
    if start.startswith(_ZSTD):
        raise InvalidInputError(
            "path",
            f"{file.where} is compressed with Zstandard, which is not read; unpack it (`zstd -d`), "
            "or give it through standard input: `zstd -dc FILE | topshelf import-events -`",
        )
