"""A stage on this machine: its local cloud started, given another release, seeded, ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.cli import releasing
from infra.cli.console import Progress
from infra.cli.control import ask_for_update
from infra.cli.data_commands import import_into, write_simulation
from infra.cli.model_commands import train_on
from infra.cli.options import ROOT
from infra.cli.stack import Place, Stack
from infra.local.listening import free_port
from infra.local.process_id import Ending, end_process
from infra.local.run_record import RunRecord, RunRecords
from infra.pipeline.local.releases import Releases
from infra.pipeline.stage import Stage
from infra.simulator import SimulatorOptions
from topshelf.errors import NotFoundError, UnavailableError
from training.als import ALSParameters

__all__ = ["LocalStage"]

_STOP_SECONDS: Final = 20.0
# Few, and yet enough for every viewer to get a list of their own.
_SEED: Final = SimulatorOptions(viewers=400, movies=300, interactions=12_000)


@dataclass(frozen=True, slots=True)
class LocalStage:
    """A stage on this machine.

    Args:
        stage: Which.
        folder: For all that it writes.
    """

    stage: Stage
    folder: Path

    @property
    def releases(self) -> Releases:
        """What was and is deployed to it."""
        return Releases(self.folder)

    def running(self) -> RunRecord | None:
        """Its local cloud; None where none runs."""
        found = [record for record in self._records.running() if record.ready]
        return found[0] if found else None

    def connect(self) -> tuple[Stack, RunRecord]:
        """Its stack, and where it answers.

        Raises:
            NotFoundError: It does not run.
        """
        record = self.running()
        if record is None:
            raise NotFoundError(
                f"{self.stage.name} does not run on this machine; `make deploy "
                f"STAGE={self.stage.name} TARGET=local` starts it"
            )
        place = Place(record.region, record.endpoint_url, record.lambda_url)
        return Stack.connect(record.stack, place), record

    def deploy(self, release: str, progress: Progress) -> None:
        """Deploys a release: in place where the stage runs, else from nothing.

        Args:
            release: Its name.
            progress: Told how far it is.

        Raises:
            UnavailableError: It cannot be deployed; what served before goes on.
        """
        before = self.releases.current()
        self.releases.choose(release)
        record = self.running()
        try:
            if record is None:
                self._start(progress)
            else:
                ask_for_update(self._records.folder(record.cloud_port), progress)
        except BaseException:
            if before:
                self.releases.choose(before)
            raise
        self.releases.prune()

    def seed(self, progress: Progress) -> None:
        """Loads built-in viewers and releases a model of them, unless a model is live.

        Args:
            progress: Told how far it is.
        """
        stack, _ = self.connect()
        if stack.registry().champion() is not None:
            return
        with tempfile.TemporaryDirectory(prefix="topshelf-") as scratch:
            write_simulation(_SEED, Path(scratch), progress)
            import_into(stack, Path(scratch), progress)
        manifest = train_on(stack, ALSParameters(iterations=5), progress)
        releasing.release(stack, manifest.version, progress)

    def down(self) -> Ending | None:
        """Ends its local cloud; gives how that went, None where none ran."""
        endings = [end_process(r.process, _STOP_SECONDS) for r in self._records.running()]
        return endings[0] if endings else None

    @property
    def _records(self) -> RunRecords:
        return RunRecords(self.folder / "cloud")

    def _start(self, progress: Progress) -> None:
        cloud_port = free_port()
        log = self._records.folder(cloud_port) / "up.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = [
            f"--template={self.releases.template}",
            f"--stack={self.stage.stack}",
            f"--region={self.stage.region}",
            f"--state-dir={self._records.directory}",
            f"--cloud-port={cloud_port}",
            *(f"--parameter={name}={value}" for name, value in self.stage.parameters.items()),
        ]
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as reports:
            try:
                process = _spawn([*arguments, f"--report-to={writing}"], log, writing)
            finally:
                os.close(writing)
            try:
                for line in reports:
                    stage, done, total = json.loads(line)
                    if stage == "ready":
                        process.returncode = 0  # it goes on without us: nobody waits for it here
                        return
                    progress(stage, done, total)
            except BaseException:
                # Who gives up waiting wants nothing left behind.
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_SECONDS)
                raise
        process.wait(_STOP_SECONDS)
        said = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        raise UnavailableError(
            f"{self.stage.name} did not start: {said[-1] if said else 'no word'} (log: {log})"
        )


def _spawn(arguments: Sequence[str], log: Path, writing: int) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-P", "-m", "infra.pipeline.local.serving", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            # The terminal's Ctrl-C and its closing are not for it.
            start_new_session=True,
        )
