"""Refused rows on their way to the quarantine, held on disk until all rows are read."""

from contextlib import AbstractContextManager
from hashlib import blake2b
from tempfile import TemporaryFile
from types import TracebackType

from infra.importers.packing import LinePacker
from infra.importers.source import RefusedRow

__all__ = ["Refused"]


class Refused(AbstractContextManager["Refused"]):
    """Gathers the lines of the quarantine in a temporary file.

    Attributes:
        rows: How many there are.
    """

    def __init__(self) -> None:
        """Builds an empty one."""
        self.rows = 0
        self._hash = blake2b(digest_size=16)
        self._lines = TemporaryFile()  # noqa: SIM115 - closed by __exit__

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Removes the temporary file."""
        self._lines.close()

    @property
    def content(self) -> str:
        """Hash of all rows so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def add(self, row: RefusedRow) -> None:
        """Takes a row."""
        line = row.encode()
        self._hash.update(line)
        self._lines.write(line)
        self.rows += 1

    def pack(self, packer: LinePacker) -> None:
        """Hands all lines to a packer, and flushes it."""
        self._lines.seek(0)
        for line in self._lines:
            packer.add(line)
        packer.flush()
