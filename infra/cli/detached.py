"""A local cloud in the background: started in a session of its own, watched until it is ready.

The new process tells how far it is by lines of JSON on a pipe. The end of the pipe without the
word ``ready`` means that it failed, however it ended.
"""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from infra.cli.console import Progress
from infra.cli.options import ROOT
from infra.local.folders import writing_to
from infra.local.process_id import ProcessId, end_process
from topshelf.errors import UnavailableError

__all__ = ["start", "started"]

_READY: Final = "ready"
_STOP_SECONDS: Final = 20.0
_LAST_BYTES: Final = 4096


@contextlib.contextmanager
def started(descriptor: int) -> Iterator[Progress]:
    """In the new process: tells who waits how far it is.

    Args:
        descriptor: The writable end of the pipe; closed here.
    """
    # Inherited once, not twice: nothing that is started from here may keep it open.
    os.set_inheritable(descriptor, False)

    def report(stage: str, done: int, total: int) -> None:
        line = json.dumps([stage, done, total]).encode() + b"\n"
        # Who waited may have gone; what was asked for goes on.
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, line)

    try:
        yield report
        report(_READY, 1, 1)
    finally:
        os.close(descriptor)


def start(arguments: Sequence[str], log: Path, progress: Progress) -> int:
    """Starts ``topshelf`` in the background and waits until it is ready.

    Args:
        arguments: Of the command line; where to report is added.
        log: File for its output.
        progress: Told how far it is.

    Returns:
        Its pid.

    Raises:
        UnavailableError: It ended before it was ready; the text is what it said last.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reports:
        try:
            process = _spawn(arguments, log, writing)
        finally:
            os.close(writing)
        try:
            if _watch(reports, progress):
                process.returncode = 0  # it goes on without us: nobody waits for it here
                return process.pid
        except BaseException:
            # Who gives up waiting wants nothing left behind.
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            raise
    # It has nothing left to do but to end.
    identity = ProcessId.of(process.pid)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        if identity:
            end_process(identity, grace=0)
        process.wait()
    raise UnavailableError(f"the local cloud did not start: {_last_line(log)} (log: {log})")


def _spawn(arguments: Sequence[str], log: Path, writing: int) -> subprocess.Popen[bytes]:
    with contextlib.ExitStack() as opened:
        with writing_to(log.parent):
            log.parent.mkdir(parents=True, exist_ok=True)
            output = opened.enter_context(log.open("wb", buffering=0))
            # A full disk is met here, where somebody reads what is said of it.
            output.write(f"$ topshelf {shlex.join(arguments)}\n".encode())
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-P", "-m", "infra.cli", *arguments, f"--report-to={writing}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            # The terminal's Ctrl-C and its closing are not for it.
            start_new_session=True,
        )


def _watch(reports: Iterator[bytes], progress: Progress) -> bool:
    for line in reports:
        stage, done, total = json.loads(line)
        if stage == _READY:
            return True
        progress(stage, done, total)
    return False


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line]
    return said[-1].removeprefix("topshelf: ") if said else "it said nothing"
