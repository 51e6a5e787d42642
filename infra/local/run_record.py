"""What runs where, written down so that every later command finds it: one record a cloud port.

A record is ``cloud-<port>/run.json`` in the state directory, replaced as a whole. Whether it is
still true is asked of the process that it names, never of the file.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from infra.local.folders import writing_to
from infra.local.process_id import ProcessId

__all__ = ["CONTROL", "Claim", "RunRecord", "RunRecords"]

CONTROL: Final = "control"
"""In the folder of a cloud, the socket by which it is asked to deploy its template anew."""

_FILE: Final = "run.json"
_FOLDER: Final = "cloud-"
_KEPT_SECONDS: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A local cloud that runs, or has run.

    Attributes:
        process: The one that holds it all together.
        command: What started it.
        since: When, in seconds since the epoch.
        ready: Whether it is started whole.
        emulator: Which.
        endpoint_url: The emulated AWS.
        stack: Name of the stack.
        region: AWS region.
        cloud_port: Of the emulated AWS.
        api_port: Of the HTTP API.
        lambda_port: Of Lambda's Invoke API.
        auth: Whether requests must be signed.
        repository: Whose template and code.
        logs: Folder of its logs.
        template: SHA-256 of the template that was deployed.
        persist: Folder that keeps its state; empty for none.
    """

    process: ProcessId
    command: Literal["up", "demo"]
    since: float
    ready: bool
    emulator: Literal["moto", "localstack"]
    endpoint_url: str
    stack: str
    region: str
    cloud_port: int
    api_port: int
    lambda_port: int
    auth: bool
    repository: str
    logs: str
    template: str = ""
    persist: str = ""

    @property
    def api_url(self) -> str:
        """The HTTP API."""
        return f"http://localhost:{self.api_port}"

    @property
    def lambda_url(self) -> str:
        """Lambda's Invoke API."""
        return f"http://localhost:{self.lambda_port}"


_JSON: Final = TypeAdapter(RunRecord)


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of asking for a cloud port.

    Attributes:
        running: Who has it; None if it is ours now.
        stale: Whose record was there although the process had gone.
    """

    running: RunRecord | None = None
    stale: RunRecord | None = None


class RunRecords:
    """The records of one user.

    Args:
        directory: The state directory; made when something is written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def folder(self, cloud_port: int) -> Path:
        """Where everything of one cloud is written.

        Args:
            cloud_port: Its port.
        """
        return self.directory / f"{_FOLDER}{cloud_port}"

    def find(self, cloud_port: int) -> RunRecord | None:
        """The record of a port, true or stale; one that cannot be read is none.

        Args:
            cloud_port: The port.
        """
        try:
            return _JSON.validate_json((self.folder(cloud_port) / _FILE).read_bytes())
        except (OSError, ValidationError):
            return None

    def running(self) -> list[RunRecord]:
        """Everything that runs, by port."""
        ports = sorted(
            int(path.parent.name.removeprefix(_FOLDER))
            for path in self.directory.glob(f"{_FOLDER}*/{_FILE}")
            if path.parent.name.removeprefix(_FOLDER).isdecimal()
        )
        found = (self.find(port) for port in ports)
        return [record for record in found if record and record.process.alive()]

    def claim(self, record: RunRecord) -> Claim:
        """Writes the record, unless what runs on its port is recorded there already.

        Folders of clouds that ended more than a week before are removed, with their logs.

        Args:
            record: Ours.

        Raises:
            UnavailableError: The state directory cannot be written.
        """
        with writing_to(self.directory), self._locked():
            found = self.find(record.cloud_port)
            if found and found.process.alive():
                return Claim(running=found)
            self._write(record)
            self._prune(record.since)
        return Claim(stale=found)

    def update(self, record: RunRecord) -> None:
        """Replaces our record.

        Args:
            record: Ours.

        Raises:
            UnavailableError: The state directory cannot be written.
        """
        with writing_to(self.directory), self._locked():
            self._write(record)

    def remove(self, record: RunRecord) -> None:
        """Removes a record, unless another process has taken its place.

        Args:
            record: The one meant.

        Raises:
            UnavailableError: The state directory cannot be written.
        """
        with writing_to(self.directory), self._locked():
            found = self.find(record.cloud_port)
            if found and found.process == record.process:
                for name in (CONTROL, _FILE):
                    (self.folder(record.cloud_port) / name).unlink(missing_ok=True)

    def _write(self, record: RunRecord) -> None:
        folder = self.folder(record.cloud_port)
        folder.mkdir(parents=True, exist_ok=True)
        # Never half a record: a reader finds the old one or the new one.
        new = folder / f"{_FILE}.new"
        try:
            with new.open("wb") as file:
                file.write(_JSON.dump_json(record, indent=2) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(folder / _FILE)
        except OSError:
            new.unlink(missing_ok=True)
            raise

    def _prune(self, now: float) -> None:
        for folder in self.directory.glob(f"{_FOLDER}*"):
            port = folder.name.removeprefix(_FOLDER)
            if not port.isdecimal() or folder.is_symlink():
                continue
            found = self.find(int(port))
            if found is None or not found.process.alive():
                with contextlib.suppress(OSError):
                    if now - folder.stat().st_mtime > _KEPT_SECONDS:
                        shutil.rmtree(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        # The lock goes with the process that holds it, however that ends.
        with (self.directory / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
