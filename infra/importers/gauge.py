"""How much of some files has been read, by their sizes: what is left can be told from it."""

from collections.abc import Sequence
from io import BufferedReader, RawIOBase

from infra.importers.input_file import InputFile

__all__ = ["Gauge", "Gauged"]

_BUFFER = 128 * 1024


class Gauge:
    """Bytes read of those that there are.

    Attributes:
        done: Read so far.
    """

    def __init__(self, files: Sequence[InputFile]) -> None:
        """Builds a gauge that stands at the beginning.

        Args:
            files: All that will be read.
        """
        self.done = 0.0
        sizes = [file.size for file in files]
        known = [size for size in sizes if size is not None]
        self._all = sum(known) if len(known) == len(sizes) else 0

    def share(self) -> float | None:
        """The part that is read, 0..0.99; None where nobody knows how much there is."""
        # What has been read may still wait in a buffer.
        return min(self.done / self._all, 0.99) if self._all else None


class Gauged:
    """An InputFile that moves a gauge as it is read."""

    def __init__(self, file: InputFile, gauge: Gauge) -> None:
        """Builds the file.

        Args:
            file: What is read.
            gauge: Told of each byte once, so open it only once.
        """
        self._file = file
        self._gauge = gauge

    @property
    def name(self) -> str:
        """See InputFile."""
        return self._file.name

    @property
    def where(self) -> str:
        """See InputFile."""
        return self._file.where

    @property
    def size(self) -> int | None:
        """See InputFile."""
        return self._file.size

    def head(self) -> bytes:
        """See InputFile."""
        return self._file.head()

    def open(self) -> BufferedReader:
        """See InputFile."""
        return BufferedReader(_Counted(self._file.open(), self._gauge), _BUFFER)


class _Counted(RawIOBase):
    def __init__(self, stored: BufferedReader, gauge: Gauge) -> None:
        self._stored = stored
        self._gauge = gauge

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = self._stored.readinto1(buffer)
        self._gauge.done += size
        return size

    def close(self) -> None:
        self._stored.close()
        super().close()
