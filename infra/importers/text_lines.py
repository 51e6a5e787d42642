"""Lines of a file that may be compressed, damaged, or have no line ends at all."""

from collections.abc import Iterator
from io import BufferedReader

from infra.importers.input_file import InputFile
from infra.importers.unpacking import DAMAGE, unpacked, what_is_wrong
from topshelf.errors import InvalidInputError
from topshelf.events import MAX_LINE_BYTES

__all__ = ["BOM", "lines_of"]

BOM = b"\xef\xbb\xbf"


def lines_of(file: InputFile) -> Iterator[tuple[int, bytes]]:
    """Reads a file line by line, a compressed one as it unpacks.

    Args:
        file: The file.

    Yields:
        Number of the line, from 1, and its bytes without the line end. A line of more than
        MAX_LINE_BYTES is cut one byte past them, so that it shows; blank lines are left out.

    Raises:
        InvalidInputError: The file cannot be read, or its compression is damaged; field ``path``.
        UnavailableError: The store that holds it does not answer.
    """
    number = 0
    try:
        with unpacked(file) as plain:
            while line := plain.readline(MAX_LINE_BYTES + 2):
                number += 1
                if line[-1:] != b"\n" and len(line) == MAX_LINE_BYTES + 2:
                    _skip_line(plain)
                    line = line[: MAX_LINE_BYTES + 1]
                if number == 1:
                    line = line.removeprefix(BOM)
                line = line.rstrip(b"\r\n")
                if line and not line.isspace():
                    yield number, line
    except DAMAGE as error:
        raise InvalidInputError("path", what_is_wrong(file, error, lines=number)) from error
    except OSError as error:
        raise InvalidInputError(
            "path", f"{file.where} cannot be read: {error.strerror or error}"
        ) from error


def _skip_line(file: BufferedReader) -> None:
    while part := file.readline(1 << 20):
        if part.endswith(b"\n"):
            return
