"""What is inside a file that may be compressed: gzip or Zstandard, known by its first bytes."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import BufferedReader, BytesIO, RawIOBase

from backports import zstd
from backports.zstd import ZstdFile

from infra.importers.input_file import InputFile
from topshelf.errors import InvalidInputError

__all__ = ["DAMAGE", "PACKED_SUFFIXES", "fault_of", "head_of", "unpacked", "what_is_wrong"]

PACKED_SUFFIXES = (".gz", ".zst")
"""Ends of a name that promise compression."""

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
"""What reading raises where the compression is damaged."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# Frames without data, 0x184D2A50 to 0x184D2A5F; packers that work in parallel begin with one.
_ZSTD_SKIPPED = b"\x2a\x4d\x18"

# 128 MiB, as much as `zstd -d` takes without being told to take more.
_WINDOW = {int(zstd.DecompressionParameter.window_log_max): 27}

_LOOKED_AT = 64 * 1024
_BUFFER = 128 * 1024


@contextmanager
def unpacked(file: InputFile) -> Iterator[BufferedReader]:
    """Opens a file; its first bytes say how it is packed, and its name promises that it is.

    Memory: for gzip 32 KiB; for Zstandard a frame's window, of at most 128 MiB.

    Raises:
        OSError: It cannot be read.
    """
    with file.open() as raw, _plain(raw, file.name) as plain:
        yield plain


def head_of(file: InputFile) -> bytes:
    """The first unpacked bytes of a file, at most 64 KiB; of a damaged one those before the damage.

    Raises:
        InvalidInputError: It cannot be read; field ``path``.
    """
    return _look(file)[0]


def fault_of(file: InputFile) -> str | None:
    """What is wrong with the compression of a file's beginning, for a person; None if nothing is.

    Raises:
        InvalidInputError: It cannot be read; field ``path``.
    """
    found, error = _look(file)
    # The head of a long file ends in the middle, which is no damage.
    if error is None or (found and isinstance(error, EOFError)):
        return None
    return what_is_wrong(file, error, lines=0)


def what_is_wrong(file: InputFile, error: BaseException, *, lines: int) -> str:
    """For a person: what one of DAMAGE says of a file, and what to do.

    Args:
        file: The file.
        error: What was raised.
        lines: Read before.
    """
    if isinstance(error, zstd.ZstdError) and "too much memory" in str(error):
        return (
            f"{file.where} needs a window of more than 128 MiB, more than is given; unpack it into "
            "standard input: `zstd -dc --long=31 FILE | topshelf import-events -`"
        )
    return (
        f"{file.where} is damaged after line {lines:,} ({error}); fetch the file again. "
        "None of the events is in the lake yet"
    )


def _look(file: InputFile) -> tuple[bytes, BaseException | None]:
    try:
        head = file.head()
    except OSError as error:
        raise InvalidInputError("path", f"{file.where} cannot be read: {error.strerror}") from error
    found = b""
    try:
        with _plain(BufferedReader(BytesIO(head)), "") as plain:
            while len(found) < _LOOKED_AT and (part := plain.read1(_LOOKED_AT - len(found))):
                found += part
    except DAMAGE as error:
        return found, error
    return found, None


def _plain(raw: BufferedReader, name: str) -> BufferedReader:
    start = raw.peek(4)[:4]
    if start.startswith(_GZIP):
        return _buffered(gzip.open(raw))
    if start == _ZSTD or (start[1:] == _ZSTD_SKIPPED and start[0] >> 4 == 5):
        return _buffered(ZstdFile(raw, options=_WINDOW))
    if name.endswith(".gz"):
        return _buffered(gzip.open(raw))
    if name.endswith(".zst"):
        return _buffered(ZstdFile(raw, options=_WINDOW))
    return raw


def _buffered(packed: GzipFile | ZstdFile) -> BufferedReader:
    return BufferedReader(_Unpacked(packed), _BUFFER)


class _Unpacked(RawIOBase):
    """Hands out what there is at once, so that nothing before some damage is lost."""

    def __init__(self, packed: GzipFile | ZstdFile) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._packed.read1(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._packed.close()
        super().close()
