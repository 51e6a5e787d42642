"""Files to import, wherever they lie: opened again and again."""

from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

__all__ = ["HEAD_BYTES", "InputFile", "LocalFile"]

HEAD_BYTES = 256 * 1024
"""What is looked at to find a file's format: a packed block of Zstandard is at most half of it."""


class InputFile(Protocol):
    """Bytes with a name."""

    @property
    def name(self) -> str:
        """Without its folder."""

    @property
    def where(self) -> str:
        """For a person: enough to find it."""

    @property
    def size(self) -> int | None:
        """Bytes as they are stored; None where nobody knows."""

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

    @property
    def size(self) -> int | None:
        """See InputFile."""
        try:
            return self.path.stat().st_size
        except OSError:
            # Reading it tells why.
            return None

    def head(self) -> bytes:
        """See InputFile."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    def open(self) -> BufferedReader:
        """See InputFile."""
        return self.path.open("rb")
