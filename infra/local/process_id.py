"""Processes that other programs started: named so that a recycled pid is never mistaken for one.

A process is its pid together with its start time, in clock ticks since boot, the 22nd field of
``/proc/<pid>/stat``: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import os
import select
import signal
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from topshelf.errors import UnavailableError

__all__ = ["Child", "Ending", "ProcessId", "children_of", "end_process"]

_PROC: Final = Path("/proc")
_KILLED_SECONDS: Final = 5.0


class Ending(StrEnum):
    """How a process ended."""

    GONE = "was gone"
    ENDED = "ended"
    KILLED = "was killed"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process.

    Attributes:
        pid: Its number, which another gets once it is gone.
        started: When it started, in clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this pid; None where none runs. One that is defunct does not."""
        found = _stat(pid)
        return cls(pid, found[1]) if found else None

    def alive(self) -> bool:
        """Whether it still runs."""
        return ProcessId.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class Child:
    """A process that another started.

    Attributes:
        process: It.
        command: Its command line.
        directory: Its working directory; empty where it cannot be read.
    """

    process: ProcessId
    command: tuple[str, ...]
    directory: str


def children_of(process: ProcessId) -> list[Child]:
    """The running children of a process, by pid; none where it is gone.

    Args:
        process: Their parent.
    """
    if not process.alive():
        return []
    found = []
    for pid in sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()):
        stat = _stat(pid)
        if stat is None or stat[0] != process.pid:
            continue
        try:
            command = (_PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace")
            directory = str((_PROC / str(pid) / "cwd").readlink())
        except OSError:
            continue  # it ended while we looked
        words = tuple(command.rstrip("\0").split("\0"))
        found.append(Child(ProcessId(pid, stat[1]), words, directory))
    return found


def end_process(process: ProcessId, grace: float) -> Ending:
    """Asks a process to end, and kills it if it does not.

    Args:
        process: It; another one with the same pid is left alone.
        grace: Seconds between TERM and KILL; 0 kills at once.

    Raises:
        UnavailableError: It belongs to somebody else, or even KILL does not end it.
    """
    try:
        # From here on the descriptor means this process, whoever gets its pid.
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return Ending.GONE
    try:
        if not process.alive():
            return Ending.GONE
        if grace > 0:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            if _has_ended(descriptor, grace):
                return Ending.ENDED
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not _has_ended(descriptor, _KILLED_SECONDS):
            raise UnavailableError(f"process {process.pid} does not end, even when killed")
    except ProcessLookupError:
        return Ending.ENDED
    except PermissionError as error:
        raise UnavailableError(
            f"process {process.pid} belongs to another user, who alone can end it"
        ) from error
    finally:
        os.close(descriptor)
    return Ending.KILLED


def _has_ended(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent and start time of a process that runs."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name, in brackets, may hold anything.
    fields = text.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return int(fields[1]), int(fields[19])
