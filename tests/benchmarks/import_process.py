"""``topshelf import-events`` in a process of its own, measured, and ended by a signal."""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    began: float
    seconds: float
    peak_mib: float
    said: str


class Command:
    """``topshelf import-events`` as a person runs it."""

    def __init__(self, port: int, source: Path, scratch: Path) -> None:
        self._line = [sys.executable, "-m", "infra.cli", "--cloud-port", str(port)]
        self._line += ["import-events", str(source)]
        self._environment = {**os.environ, "TMPDIR": str(scratch), "COLUMNS": "200"}

    def run(
        self, seconds: float, *, until: Callable[[int], bool] | None = None, kill: int = 0
    ) -> Ended:
        """Runs it; when ``until`` says so of its process id, sends it the signal ``kill``."""
        began, began_at = time.perf_counter(), time.time()
        with tempfile.TemporaryFile() as said:
            # In a group of its own: a signal to us is not one to it.
            process = subprocess.Popen(
                self._line,
                cwd=ROOT,
                env=self._environment,
                stdout=said,
                stderr=said,
                process_group=0,
            )
            try:
                code, usage = self._watch(process, began + seconds, until, kill)
            except BaseException:
                process.kill()
                raise
            took = time.perf_counter() - began
            said.seek(0)
            text = said.read().decode()
        return Ended(code, began_at, took, usage.ru_maxrss / 1024, text)

    @staticmethod
    def _watch(
        process: subprocess.Popen[bytes],
        deadline: float,
        until: Callable[[int], bool] | None,
        kill: int,
    ) -> tuple[int, resource.struct_rusage]:
        while True:
            # What this one process took, not the greatest of all so far.
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage
            if time.perf_counter() > deadline:
                sys.exit("the import does not end in time")
            if until is not None and until(process.pid):
                process.send_signal(kill)
                until = None
            time.sleep(0.05)


def half_read(size: int) -> Callable[[int], bool]:
    """Whether a process has read half of a file of this size."""

    def look(pid: int) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = dict(
                line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines()
            )
            return int(fields["rchar"]) > size // 2
        return False

    return look
