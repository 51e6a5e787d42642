"""The Docker engine: one that runs, or one started here for as long as it is needed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.containers.debian import ENGINE, install, search_path
from infra.containers.running import run
from topshelf.errors import UnavailableError

__all__ = ["engine", "version"]

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2
_SHOWN_LINES: Final = 8


def version() -> str | None:
    """The version of the engine that answers; None if none does."""
    try:
        return run(["docker", "version", "--format", "{{.Server.Version}}"], seconds=10).strip()
    except UnavailableError:
        return None


@contextmanager
def engine(log: Path) -> Iterator[str]:
    """An engine for as long as the block runs: the one that runs, or one of our own.

    One that is started here is ended here; its images stay on the disk.

    Args:
        log: File for the output of one that is started.

    Yields:
        Its version.

    Raises:
        UnavailableError: None runs, and none can be started; the text says why.
    """
    if found := version():
        yield found
        return
    if os.geteuid() != 0:
        raise UnavailableError(
            "no Docker engine answers: start it (`systemctl start docker`), "
            "be in its group (`usermod -aG docker $USER`), or run this as root"
        )
    install(ENGINE)
    process = _start(log)
    try:
        yield _await(process, log)
    finally:
        _stop(process)


def _start(log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    program = shutil.which("dockerd", path=search_path()) or "dockerd"
    with log.open("wb") as output:
        return subprocess.Popen(
            [program],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C is not for it: containers are ended first.
            start_new_session=True,
            env={**os.environ, "PATH": search_path()},
        )


def _await(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while (found := version()) is None:
        ended = process.poll() is not None
        if ended or time.monotonic() > end:
            said = "\n".join(log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])
            how = "ended at once" if ended else f"does not answer after {_START_SECONDS:.0f} s"
            raise UnavailableError(
                f"the Docker engine {how} (a container without privileges cannot run one):\n{said}"
            )
        time.sleep(_POLL_SECONDS)
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    # A second Ctrl-C must not leave an engine behind.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
