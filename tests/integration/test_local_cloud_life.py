"""The local cloud and its user: started twice, in the background, ended from afar, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.cli import main as cli
from infra.cli.stack import Place, Stack
from infra.local.listening import free_port
from infra.local.process_id import Child, ProcessId, children_of, end_process
from infra.local.run_record import RunRecord, RunRecords
from tests.builders.local_cloud import eventually
from tests.builders.records import run_record


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str


class User:
    """Somebody with a state directory, ports and a shell of their own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capture = capture
        self.state = folder / "state"
        self.ports = [free_port() for _ in range(3)]
        self.records = RunRecords(self.state)

    def arguments(self, *more: str) -> list[str]:
        cloud, api, lambdas = (str(port) for port in self.ports)
        common = ["--cloud-port", cloud, "--api-port", api, "--lambda-port", lambdas]
        where = ["--state-dir", str(self.state)]
        return [*where, *common, *more]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "infra.cli", *self.arguments(*arguments)]

    def run(self, *arguments: str) -> Ran:
        """What ends soon runs in this process, which has loaded it all."""
        self.capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["topshelf", *self.arguments(*arguments)])
            patch.chdir(self.folder)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = self.capture.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    def status(self) -> tuple[int, Any]:
        ran = self.run("status", "--json")
        return ran.status, json.loads(ran.out)

    def record(self) -> RunRecord:
        found = self.records.find(self.ports[0])
        assert found is not None
        return found

    def stack(self) -> Stack:
        cloud, _, lambdas = (f"http://localhost:{port}" for port in self.ports)
        return Stack.connect("topshelf", Place("us-east-1", cloud, lambdas))

    def parts(self) -> list[Child]:
        return children_of(self.record().process)

    def hears(self) -> list[int]:
        """Ports that somebody listens on."""
        found = []
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(port)
        return found


@pytest.fixture
def user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[User]:
    one = User(tmp_path, capsys)
    before = signal.getsignal(signal.SIGTERM)
    yield one
    signal.signal(signal.SIGTERM, before)
    for record in one.records.running():
        end_process(record.process, 10)


def test_the_life_of_a_local_cloud(user: User) -> None:
    persist = ("--persist", str(user.folder / "kept"))
    up = user.run("up", "--detach", *persist)
    assert up.status == 0, up.err
    pid = user.record().process.pid
    assert f"pid {pid}" in up.out
    assert user.record().ready
    assert os.getsid(pid) == pid
    listeners = subprocess.run(
        ["cat", f"/proc/{pid}/net/tcp"], capture_output=True, text=True, check=True
    ).stdout
    for port in user.ports:
        assert f"0100007F:{port:04X}" in listeners
        assert f"00000000:{port:04X}" not in listeners

    for again in (user.run("up", *persist), user.run("up", "--detach", *persist)):
        (line,) = again.out.splitlines()
        assert again.status == 0
        assert f"pid {pid}; nothing has changed; `topshelf --cloud-port " in line
    code, seen = user.status()
    assert code == 0, seen
    assert (seen["running"], seen["well"], seen["fault"]) == (True, True, None)
    assert seen["record"]["process"]["pid"] == pid
    assert [part["url"].split("/")[2] for part in seen["parts"][:3]] == [
        f"localhost:{user.ports[port]}" for port in (0, 1, 2)
    ]
    assert seen["parts"][0]["pid"] != pid == seen["parts"][1]["pid"]
    assert {part["name"] for part in seen["parts"][3:]} <= {
        "function recommend_api",
        "function ingest_events",
    }
    assert (seen["stack"]["live"], seen["stack"]["versions"]) == (None, [])
    assert seen["stack"]["events"]["objects"] == 0
    assert seen["state"]["folder"] == str(user.folder / "kept")
    assert seen["state"]["fault"] is None
    other = user.run("up", "--no-auth", *persist)
    assert (other.status, other.out) == (1, "")
    assert "but with --auth" in other.err
    demo = user.run("demo")
    assert (demo.status, demo.err.count("\n")) == (1, 1)
    assert user.record().process.pid == pid

    bucket = user.stack().outputs["BucketName"]
    user.stack().client("s3").put_object(Bucket=bucket, Key="newest", Body=b"kept")
    # kill -9: the parts notice that the pipe has ended, and a new one comes up by itself.
    parts = eventually(lambda: found if len(found := user.parts()) >= 2 else None)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(part.process.alive() for part in parts), 10)
    eventually(lambda: user.hears() == [], 10)
    assert user.record().process.pid == pid
    up = user.run("up", "--detach", *persist)
    assert up.status == 0, up.err
    found = user.stack().client("s3").get_object(Bucket=bucket, Key="newest")
    assert found["Body"].read() == b"kept"
    assert f"(pid {pid}) was ended without being able to clean up" in up.err
    assert user.record().process.pid != pid

    parts = user.parts()
    down = user.run("down")
    assert down.status == 0, down.err
    assert "has ended" in down.out
    assert user.hears() == []
    assert not any(part.process.alive() for part in parts)
    left = {path.name for path in user.records.folder(user.ports[0]).iterdir()}
    assert left == {"logs", "up.log"}
    assert "kept" not in down.out  # nothing to say: all of it is
    code, seen = user.status()
    assert (code, seen["running"]) == (3, False)
    gone = user.run("status")
    assert (gone.status, gone.out) == (3, f"nothing runs on cloud port {user.ports[0]}\n")
    down = user.run("down")
    assert (down.status, down.out) == (0, f"nothing runs on cloud port {user.ports[0]}\n")


@pytest.mark.slow
def test_one_that_hangs_is_told_and_killed_by_down(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(
        user.command("up", "--no-auth"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=user.folder,
    ) as process:
        record = eventually(lambda: user.records.find(user.ports[0]))
        nowhere = user.run("--cloud-port", str(free_port()), "down")
        assert f"on cloud port {user.ports[0]} one does" in nowhere.out
        early = user.run("up", "--no-auth")
        assert early.status == 0 or "not ready yet" in early.err
        eventually(lambda: user.record().ready, 60)
        parts = user.parts()
        process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr("infra.cli.health._SECONDS", 0.5)
        hung = user.run("status")
        assert hung.status == 1
        assert "no answer within" in hung.out
        assert ProcessId.of(process.pid) == record.process
        down = user.run("down", "--wait", "0.2")
        assert (down.status, "was killed" in down.out) == (0, True)
        assert not any(part.process.alive() for part in parts)
        assert user.hears() == []
        process.communicate()
        assert process.returncode == -signal.SIGKILL


def test_when_a_part_dies_in_the_background_nothing_is_left(user: User) -> None:
    assert user.run("up", "--detach").status == 0
    record, (emulator, *_) = user.record(), user.parts()
    assert "infra.local.moto_server" in emulator.command
    os.kill(emulator.process.pid, signal.SIGKILL)
    eventually(lambda: not record.process.alive())
    assert user.records.find(user.ports[0]) is None
    assert user.hears() == []
    log = user.records.folder(user.ports[0]) / "up.log"
    assert log.read_text("utf-8").splitlines()[-1].startswith("topshelf: the emulated AWS ended")
    # Killed before it could tell: what was written down is no longer believed.
    user.records.claim(record)
    seen = user.run("status")
    assert (seen.status, seen.err.count("\n")) == (3, 1)
    assert user.records.find(user.ports[0]) is None


def test_what_fails_in_the_background_is_told_in_front(user: User) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", user.ports[1]))
        other.listen()
        up = user.run("up", "--detach")
    assert up.status == 1
    assert f"did not start: port {user.ports[1]}, for the HTTP API, is used" in up.err
    assert user.records.find(user.ports[0]) is None


def test_a_full_disk_is_one_line_before_anything_starts(user: User) -> None:
    folder = user.records.folder(user.ports[0])
    folder.mkdir(parents=True)
    (folder / "up.log").symlink_to("/dev/full")
    up = user.run("up", "--detach")
    assert (up.status, up.err.count("\n")) == (1, 1)
    assert f"cannot write to {folder} (No space left on device)" in up.err


@pytest.mark.slow
def test_who_gives_up_waiting_leaves_nothing_behind(user: User) -> None:
    with subprocess.Popen(
        user.command("up", "--detach"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as waiting:
        record = eventually(lambda: user.records.find(user.ports[0]))
        assert record.process.pid != waiting.pid
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(20) == 130
    assert not record.process.alive()
    assert user.records.find(user.ports[0]) is None
    assert user.hears() == []


def test_a_state_folder_that_cannot_be_written_is_one_line(user: User) -> None:
    user.state = Path("/dev/null/state")
    for arguments in (["up"], ["up", "--detach"], ["demo"]):
        ran = user.run(*arguments)
        assert (ran.status, ran.err.count("\n")) == (1, 1)
        assert "cannot write to /dev/null/state" in ran.err


@pytest.mark.parametrize(
    ("variables", "state"),
    [
        ({}, ".local/state/topshelf"),
        ({"XDG_STATE_HOME": "{home}/xdg"}, "xdg/topshelf"),
        ({"XDG_STATE_HOME": "relative"}, ".local/state/topshelf"),
        ({"XDG_STATE_HOME": "{home}/xdg", "TOPSHELF_STATE_DIR": "{home}/own"}, "own"),
    ],
)
def test_the_state_directory_is_the_users_own(
    variables: dict[str, str],
    state: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("XDG_STATE_HOME", "TOPSHELF_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    records = RunRecords(tmp_path / state)
    records.claim(run_record(process=ProcessId(os.getpid(), 1)))
    monkeypatch.setattr(sys, "argv", ["topshelf", "--cloud-port", "4566", "down"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "was gone already; its record is removed" in capsys.readouterr().out
    assert records.find(4566) is None
