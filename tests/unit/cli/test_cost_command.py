"""`topshelf cost`: what it prints, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from topshelf.errors import InvalidInputError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["cost", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_bill_says_what_it_rests_on() -> None:
    said = run("--requests", "1000000", "--assume", "recommend_ms=30")
    assert "Amazon Personalize lists $150.00" in said
    assert "recommend_ms=30" in said
    assert "without free tiers" in said


def test_without_requests_nothing_is_compared() -> None:
    assert "Personalize" not in run("--requests", "0")


def test_programs_get_json() -> None:
    said = json.loads(run("--viewers", "5", "--json"))
    assert said["traffic"]["viewers"] == 5
    assert said["month"] == pytest.approx(sum(line["month"] for line in said["lines"]))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--assume", "nothing=5"], "assume"),
        (["--assume", "recommend_ms"], "assume"),
        (["--assume", "recommend_ms=fast"], "assume"),
        (["--assume", "recommend_ms=-1"], "assume"),
        (["--assume", "recommend_ms=nan"], "assume"),
        (["--assume", "list_bytes=1.5"], "assume"),
        (["--parameter", "Architecture=mips"], "Architecture"),
    ],
)
def test_what_makes_no_bill_is_refused_by_name(arguments: list[str], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        run(*arguments)
    assert refused.value.field == field
