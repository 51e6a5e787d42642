"""A folder that keeps the state of an emulator between runs.

``state.json`` names all of it, ``blobs/<sha256>`` hold it. What is written is never changed: a new
state is new blobs, then ``state.json`` replaced by one rename, then the blobs that nothing names
any more removed. So whatever ends the process, and whenever, the folder holds one whole state.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

from topshelf.errors import ConflictError, IntegrityError, InvalidInputError

__all__ = ["StateFolder", "saved_at"]

_FORMAT: Final = 2
_STATE: Final = "state.json"
_LOCK: Final = "lock"
_BLOBS: Final = "blobs"


def saved_at(path: Path) -> float | None:
    """When a folder's state was last kept, seconds since the epoch; None if it never was."""
    try:
        return (path / _STATE).stat().st_mtime
    except OSError:
        return None


class StateFolder:
    """The folder, for one process at a time; a context manager that lets go of it in the end.

    Args:
        path: The folder; made where it is missing.

    Raises:
        ConflictError: Another process has it.
        IntegrityError: Another version of topshelf wrote it, or it is damaged.
        InvalidInputError: It is no such folder, and holds other things.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            strangers = [p.name for p in path.iterdir() if p.name not in (_STATE, _LOCK, _BLOBS)]
            strangers = [name for name in strangers if not name.startswith(f"{_STATE}.")]
        except OSError as error:
            raise InvalidInputError("persist", f"cannot use {path}: {error.strerror}") from error
        if strangers and not (path / _STATE).exists():
            raise InvalidInputError(
                "persist",
                f"{path} holds other things ({min(strangers)} for one); "
                "name a folder that is empty or new",
            )
        self._lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise ConflictError(f"another local cloud keeps its state in {path}") from error
        try:
            self.state: dict[str, Any] | None = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the folder; may be called again."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def put(self, chunks: Iterable[bytes]) -> str:
        """Keeps a blob.

        Args:
            chunks: Its content, in pieces.

        Returns:
            Its SHA-256, in hexadecimal.

        Raises:
            OSError: It cannot be written, on a full disk for one.
        """
        folder = self.path / _BLOBS
        folder.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        part = folder / "part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        name = digest.hexdigest()
        part.rename(folder / name)
        return name

    def put_once(self, content: bytes) -> str:
        """Keeps a blob that is whole already; writes nothing where it is kept.

        Args:
            content: Its content.

        Returns:
            Its SHA-256, in hexadecimal.

        Raises:
            OSError: It cannot be written, on a full disk for one.
        """
        name = hashlib.sha256(content).hexdigest()
        # What has that name was synced before it got it.
        return name if (self.path / _BLOBS / name).exists() else self.put([content])

    def get(self, name: str) -> bytes:
        """A blob's content.

        Raises:
            IntegrityError: It is missing or damaged.
        """
        try:
            content = (self.path / _BLOBS / name).read_bytes()
        except OSError as error:
            raise self.damaged(f"blobs/{name} cannot be read") from error
        if hashlib.sha256(content).hexdigest() != name:
            raise self.damaged(f"blobs/{name} is not what was written")
        return content

    def commit(self, state: dict[str, Any], blobs: set[str]) -> None:
        """Makes a state the one that is kept.

        Args:
            state: Fit for JSON.
            blobs: All that it names; the others are removed.

        Raises:
            OSError: It cannot be written; the state before stands.
        """
        part = self.path / f"{_STATE}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"format": _FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.path / _STATE)
        self._sync_folder()
        self.state = state
        folder = self.path / _BLOBS
        for blob in folder.iterdir() if folder.exists() else ():
            if blob.name not in blobs:
                blob.unlink()

    def touch(self) -> None:
        """Notes that the state that is kept is today's still.

        Raises:
            OSError: It cannot be noted.
        """
        if self.state is not None:
            os.utime(self.path / _STATE)

    def _sync_folder(self) -> None:
        # A rename outlives a loss of power once its folder is on the disk.
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read(self) -> dict[str, Any] | None:
        try:
            state = json.loads((self.path / _STATE).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.damaged(f"{_STATE} cannot be read ({error})") from error
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            found = state.get("format") if isinstance(state, dict) else None
            raise IntegrityError(
                f"{self.path} was written by another version of topshelf (format {found}, this one "
                f"reads {_FORMAT}); use that version, or start with an empty folder, and import "
                "and train again"
            )
        return state

    def damaged(self, what: str) -> IntegrityError:
        """The error for a state that cannot be what was kept.

        Args:
            what: What is wrong with it.
        """
        return IntegrityError(
            f"the state in {self.path} is damaged: {what}; put a copy of the folder back, "
            "or start with an empty one"
        )
