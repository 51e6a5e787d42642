"""What a process takes with all that it starts: processor time and memory, looked at now and then.

Linux only: it reads /proc (proc(5), "/proc/pid/stat").
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired

__all__ = ["Look", "watch"]

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Look:
    """A tree of processes at one moment.

    Attributes:
        at: time.monotonic(), seconds, the same in all processes of the machine.
        processor: Seconds of processor time that it has taken until now, by processes that have
            ended, too.
        memory: Resident bytes of its processes together. A page that two of them share counts
            twice.
    """

    at: float
    processor: float
    memory: int


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    began: int
    processor: float
    memory: int


def watch(command: list[str], every: float = 0.2) -> list[Look]:
    """Runs a command to its end and looks at its processes, first when it starts.

    What a process takes after the last look at it is missed.

    Args:
        command: What to run.
        every: Seconds between two looks.

    Raises:
        RuntimeError: It failed. What it writes goes where this process writes.
    """
    looks: list[Look] = []
    tree = _Tree()
    with Popen(command) as process:
        try:
            while process.returncode is None:
                looks.append(tree.look(process.pid))
                try:
                    process.wait(every)
                except TimeoutExpired:
                    continue
        finally:
            if process.returncode is None:
                process.terminate()
    # The time of its end; nothing of it is left to look at.
    last = looks[-1]
    looks.append(Look(time.monotonic(), last.processor, 0))
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return looks


class _Tree:
    """Adds up what each process took by itself.

    What a parent is told of its children will not do: Spark's daemon of workers never asks.
    """

    def __init__(self) -> None:
        self._taken: dict[tuple[int, int], float] = {}

    def look(self, root: int) -> Look:
        """Looks at a process and all that descend from it."""
        at = time.monotonic()
        found = list(_processes())
        pids = {root}
        # A child may stand before its parent: as many rounds as the tree is deep.
        while more := {one.pid for one in found if one.parent in pids} - pids:
            pids |= more
        own = [one for one in found if one.pid in pids]
        # A number is given again when its process has ended, and then begins at another time.
        self._taken |= {(one.pid, one.began): one.processor for one in own}
        return Look(at, sum(self._taken.values()), sum(one.memory for one in own))


def _processes() -> Iterator[_Process]:
    for path in Path("/proc").iterdir():
        if not path.name.isdecimal():
            continue
        try:
            text = (path / "stat").read_text("ascii", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended between the listing and now.
        # The name, in brackets, may hold anything; the fields after it are counted from the third.
        fields = text.rpartition(")")[2].split()
        pid, parent, began = int(path.name), int(fields[1]), int(fields[19])
        taken = (int(fields[11]) + int(fields[12])) * _TICK
        yield _Process(pid, parent, began, taken, int(fields[21]) * _PAGE)
