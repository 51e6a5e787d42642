"""The command line: what the user can mend is one line that says what to do."""

import sys
from pathlib import Path

import pytest

from infra.cli import main as cli
from infra.cli.stack import Stack
from topshelf.errors import UnavailableError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["topshelf", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    "command",
    ["up", "down", "status", "demo", "simulate", "import-events", "train", "release", "rollback"],
)
def test_every_command_has_help_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    assert f"topshelf {command}" in capsys.readouterr().out.split("Example")[1]


@pytest.mark.parametrize("command", [["demo", "--data"], ["import-events"]])
def test_a_bad_data_path_is_one_line_before_anything_is_started(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run(monkeypatch, *command, str(tmp_path / "nowhere")) == 2
    said = capsys.readouterr().err.strip()
    assert "nowhere" in said
    assert said.count("\n") == 0


def test_a_cloud_that_is_not_running_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(name: str, place: object) -> Stack:
        raise UnavailableError("nothing answers; start the local cloud with `topshelf up`")

    monkeypatch.setattr(Stack, "connect", nobody)
    assert run(monkeypatch, "train") == 1
    assert capsys.readouterr().err.strip().count("\n") == 0


@pytest.mark.parametrize("command", [["up"], ["demo"]])
def test_a_local_cloud_is_not_started_in_aws(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--cloud", "aws", *command) == 2
    assert "sam deploy" in capsys.readouterr().err


def test_events_can_be_written_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code = run(
        monkeypatch, "simulate", "-", "--viewers", "30", "--movies", "40", "--interactions", "200"
    )
    assert code == 0
    assert len(capsysbinary.readouterr().out.splitlines()) == 200
