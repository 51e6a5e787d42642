"""Asked for a local cloud that runs already: one line, and 0 only where it is what was asked."""

from pathlib import Path
from typing import Any

import pytest

from infra.cli import running
from infra.cli.options import ROOT, Where
from infra.cli.stack import Cloud
from tests.builders.records import run_record
from topshelf.errors import ConflictError, UnavailableError

NOW = 1_790_000_000.0 + 150
ASKED = {"ready": True, "repository": str(ROOT)}


def ask(
    monkeypatch: pytest.MonkeyPatch,
    *,
    faults: tuple[str, ...] = (),
    **changes: Any,
) -> bool:
    monkeypatch.setattr(running, "faults_of", lambda _record: list(faults))
    return running.runs_already(run_record(**ASKED | changes), run_record(**ASKED), lambda: NOW)


def test_the_same_and_healthy_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch)
    (line,) = capsys.readouterr().out.splitlines()
    pid = run_record().process.pid
    assert line == (
        "the local cloud already runs at http://localhost:8000 (AWS: http://localhost:4566) "
        f"from {ROOT}, since 2026-09-21 14:13:20 UTC (2 min), pid {pid}; nothing has changed; "
        "`topshelf down` ends it"
    )


def test_a_changed_template_is_no_conflict_and_nothing_is_said_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not ask(monkeypatch, template="0" * 64)
    assert capsys.readouterr().out == ""
    # Not while it is being started, and not where a part is out of order.
    with pytest.raises(ConflictError, match="not ready yet"):
        ask(monkeypatch, template="0" * 64, ready=False)
    with pytest.raises(UnavailableError, match="does not answer"):
        ask(monkeypatch, template="0" * 64, faults=("HTTP API does not answer at x (y)",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"auth": False}, "but with --no-auth;"),
        ({"persist": "/kept"}, "--persist /kept instead of nothing"),
        ({"stack": "other"}, "--stack other instead of topshelf"),
        ({"api_port": 8001}, "--api-port 8001 instead of 8000"),
        ({"repository": "/else"}, "the code of /else instead of"),
        ({"ready": False}, "not ready yet"),
    ],
)
def test_anything_else_is_a_conflict_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConflictError, match=r"`topshelf down` ends it") as caught:
        ask(monkeypatch, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="but HTTP API does not answer"):
        ask(monkeypatch, faults=("HTTP API does not answer at x (y)",))


def test_any_port_is_the_one_that_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "faults_of", lambda _record: [])
    anywhere = Where(Cloud.MOTO, "topshelf", "us-east-1", 4566, 0, 0, Path("/state"))
    record = run_record(**ASKED, api_port=9, cloud_port=4566)
    wanted = running.asked(run_record(**ASKED, api_port=7), anywhere, record)
    running.runs_already(record, wanted, lambda: NOW)
    assert "http://localhost:9 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (7_200, "2 h"), (172_800, "2 d")],
)
def test_durations_are_for_people(seconds: float, said: str) -> None:
    assert running.duration(seconds) == said


def test_another_port_is_named_in_the_command() -> None:
    assert running.down_command(run_record(cloud_port=5)) == "topshelf --cloud-port 5 down"


def test_nothing_is_started_on_its_ports() -> None:
    said = str(running.beside(run_record(command="demo"), lambda: NOW))
    assert said.startswith("a demo already runs at http://localhost:8000 ")
    assert said.endswith("`topshelf down` ends it, and other ports run beside it")
