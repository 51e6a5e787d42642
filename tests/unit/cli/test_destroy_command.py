"""`topshelf destroy` asks first, and does nothing on another answer."""

from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import destroy_command
from infra.cli.destroying import Remains
from infra.cli.main import app
from infra.cli.options import Where
from infra.cli.stack import Place, Stack
from topshelf.errors import ConflictError, InvalidInputError

STACK = Stack("prod", Place("eu-west-1"), {})
HELD = Remains(("prod-topk-v1",), ("prod-activity", "prod-registry"), "prod-bucket", 1234, 5678)


@pytest.fixture
def destroyed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether data were kept, for each time that something was destroyed."""
    calls: list[bool] = []

    def destroying(_stack: Stack, _held: Remains, *, keep_data: bool, progress: Any) -> None:
        calls.append(keep_data)

    monkeypatch.setattr(Where, "connect", lambda _self: STACK)
    monkeypatch.setattr(destroy_command, "remains_of", lambda _stack: HELD)
    monkeypatch.setattr(destroy_command, "destroying", destroying)
    return calls


def run(*arguments: str, answer: str = "", cloud: str = "aws") -> str:
    command = ["--cloud", cloud, "destroy", *arguments]
    result = CliRunner().invoke(app, command, input=f"{answer}\n", catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_name_has_to_be_typed(destroyed: list[bool]) -> None:
    said = run(answer="prod")
    assert "1,234 objects" in said
    assert "prod is gone, and its data" in said
    assert destroyed == [False]


@pytest.mark.parametrize("answer", ["yes", "y", "Prod"])
def test_any_other_answer_deletes_nothing(destroyed: list[bool], answer: str) -> None:
    with pytest.raises(ConflictError, match="nothing was deleted"):
        run(answer=answer)
    assert destroyed == []


def test_a_script_can_do_without_asking(destroyed: list[bool]) -> None:
    assert "its data stay" in run("--yes", "--keep-data")
    assert destroyed == [True]


def test_a_local_cloud_is_ended_with_down(destroyed: list[bool]) -> None:
    with pytest.raises(InvalidInputError, match="topshelf down"):
        run("--yes", cloud="moto")
    assert destroyed == []
