"""A process is its pid and its start time: a recycled pid is another one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.local.process_id import Ending, ProcessId, children_of, end_process

_SLEEP = "import time; print('up', flush=True); time.sleep(60)"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_SLEEP}"


def identity(pid: int) -> ProcessId:
    found = ProcessId.of(pid)
    assert found is not None
    return found


@pytest.fixture
def sleeper(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    code = getattr(request, "param", _SLEEP)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_process_is_itself_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    process = identity(sleeper.pid)
    assert process.alive()
    assert end_process(process, 10) is Ending.ENDED
    # Defunct until it is waited for; it does not run all the same.
    assert not process.alive()
    sleeper.wait()
    assert sleeper.returncode == -signal.SIGTERM
    assert ProcessId.of(sleeper.pid) is None
    assert end_process(process, 10) is Ending.GONE


def test_another_process_with_the_same_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    now = identity(sleeper.pid)
    before = ProcessId(now.pid, now.started - 1)
    assert not before.alive()
    assert end_process(before, 0) is Ending.GONE
    assert sleeper.poll() is None


@pytest.mark.parametrize("sleeper", [_STUBBORN], indirect=True)
def test_what_does_not_end_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    assert end_process(identity(sleeper.pid), 0.1) is Ending.KILLED
    assert sleeper.wait() == -signal.SIGKILL


def test_children_are_found_with_what_they_run(sleeper: subprocess.Popen[bytes]) -> None:
    own = identity(os.getpid())
    (child,) = [c for c in children_of(own) if c.process.pid == sleeper.pid]
    assert child.command == (sys.executable, "-c", _SLEEP)
    assert child.directory == os.getcwd()
    assert children_of(ProcessId(own.pid, own.started - 1)) == []
