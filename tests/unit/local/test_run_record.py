"""Records of what runs: whole, one a port, and never believed without their process."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.process_id import ProcessId
from infra.local.run_record import Claim, RunRecord, RunRecords
from tests.builders.records import run_record
from topshelf.errors import UnavailableError

OURS = run_record()
GONE = replace(OURS, process=ProcessId(OURS.process.pid, OURS.process.started - 1))


def test_a_free_port_is_claimed_and_given_back(tmp_path: Path) -> None:
    records = RunRecords(tmp_path / "state")
    assert records.find(4566) is None
    assert records.running() == []
    assert records.claim(OURS) == Claim()
    ready = replace(OURS, ready=True)
    records.update(ready)
    assert records.find(4566) == ready
    assert records.running() == [ready]
    records.remove(OURS)
    assert records.find(4566) is None
    records.remove(OURS)


def test_a_port_that_runs_is_not_claimed_and_others_are(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    records.claim(OURS)
    assert records.claim(replace(OURS, stack="another")) == Claim(running=OURS)
    assert records.find(4566) == OURS
    other = replace(OURS, cloud_port=999)
    assert records.claim(other) == Claim()
    assert records.running() == [other, OURS]


def test_a_record_whose_process_is_gone_is_replaced(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    records.claim(GONE)
    assert records.running() == []
    assert records.claim(OURS) == Claim(stale=GONE)
    # The old one comes late to clean up: what is there now is not its own.
    records.remove(GONE)
    assert records.find(4566) == OURS


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff"])
def test_a_damaged_record_is_none(tmp_path: Path, content: bytes) -> None:
    records = RunRecords(tmp_path)
    records.folder(4566).mkdir()
    (records.folder(4566) / "run.json").write_bytes(content)
    (tmp_path / "cloud-notes").mkdir()
    (tmp_path / "cloud-notes" / "run.json").touch()
    assert records.running() == []
    assert records.claim(OURS) == Claim()
    assert records.find(4566) == OURS


def test_of_many_at_once_one_gets_the_port(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from infra.local.run_record import RunRecords
from tests.builders.records import run_record
print(RunRecords(Path(sys.argv[1])).claim(run_record()).running is None, flush=True)
sys.stdin.read()
"""
    root = Path(__file__).resolve().parents[3]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    won = [racer.stdout.readline() for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate()
    assert sorted(won) == [b"False\n"] * 3 + [b"True\n"]


def test_a_folder_that_cannot_be_written_is_named_in_one_line() -> None:
    with pytest.raises(UnavailableError, match=r"cannot write to /dev/null/state .*--state-dir"):
        RunRecords(Path("/dev/null/state")).claim(OURS)


def test_a_full_disk_leaves_the_old_record_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = RunRecords(tmp_path)
    records.claim(OURS)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match="No space left on device") as caught:
        records.update(replace(OURS, ready=True))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert records.find(4566) == OURS
    assert [p.name for p in records.folder(4566).iterdir()] == ["run.json"]


def test_what_ended_long_ago_goes_with_its_logs(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    running = replace(OURS, cloud_port=1)
    records.claim(running)
    for name in ("cloud-2/logs", "cloud-3/logs", "cloud-x", "mine"):
        (tmp_path / name).mkdir(parents=True)
    week = 7 * 86_400
    for name, age in (("cloud-2", week + 9), ("cloud-3", 9), ("cloud-x", 2 * week)):
        when = OURS.since - age
        os.utime(tmp_path / name, (when, when))
    os.utime(tmp_path / "cloud-1", (0, 0))
    records.claim(OURS)
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert kept == ["cloud-1", "cloud-3", "cloud-4566", "cloud-x", "mine"]


def test_addresses_follow_from_ports() -> None:
    record: RunRecord = replace(OURS, api_port=1, lambda_port=2)
    assert (record.api_url, record.lambda_url) == ("http://localhost:1", "http://localhost:2")
