"""Lines of a file that may be compressed, damaged, or have no line ends at all."""

import gzip
import zlib
from collections.abc import Iterator
from gzip import GzipFile
from io import BufferedReader
from pathlib import Path

from topshelf.errors import InvalidInputError
from topshelf.events import MAX_LINE_BYTES

__all__ = ["lines_of"]

_BOM = b"\xef\xbb\xbf"


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Reads a file line by line, ``.gz`` ones through gzip.

    Args:
        path: The file.

    Yields:
        Number of the line, from 1, and its bytes without the line end. A line of more than
        MAX_LINE_BYTES is cut one byte past them, so that it shows; blank lines are left out.

    Raises:
        InvalidInputError: The file cannot be read, or its compression is damaged; field ``path``.
    """
    number = 0
    try:
        with _open(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 2):
                number += 1
                if line[-1:] != b"\n" and len(line) == MAX_LINE_BYTES + 2:
                    _skip_line(file)
                    line = line[: MAX_LINE_BYTES + 1]
                if number == 1:
                    line = line.removeprefix(_BOM)
                line = line.rstrip(b"\r\n")
                if line and not line.isspace():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInputError(
            "path",
            f"{path} is damaged after line {number:,} ({error}); fetch the file again. "
            "Some of what came before may be in the lake already, which does no harm",
        ) from error
    except OSError as error:
        raise InvalidInputError("path", f"{path} cannot be read: {error.strerror}") from error


def _open(path: Path) -> GzipFile | BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _skip_line(file: GzipFile | BufferedReader) -> None:
    while part := file.readline(1 << 20):
        if part.endswith(b"\n"):
            return
