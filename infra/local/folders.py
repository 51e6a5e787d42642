"""Folders that the local cloud writes to: what goes wrong there names the folder, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from topshelf.errors import UnavailableError

__all__ = ["unwritable", "writing_to"]


def unwritable(folder: Path, error: OSError) -> str:
    """One line: which folder, why, and what to do.

    Args:
        folder: Where something was to be written.
        error: What came of it.
    """
    return (
        f"cannot write to {folder} ({error.strerror or error}): "
        "make room or make it writable, or choose another with --state-dir"
    )


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses in the block into one line.

    Args:
        folder: Where the block writes.

    Raises:
        UnavailableError: The disk is full, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UnavailableError(unwritable(folder, error)) from error
