from pathlib import Path

import pytest

from infra.local.translate import parameter_values, translate
from topshelf.errors import InvalidInputError, TopshelfError

REAL = Path(__file__).parents[3] / "template.yaml"


def test_the_real_template_becomes_plain_cloudformation() -> None:
    translation = translate(REAL, {"Architecture": "x86_64"}, "eu-west-1")
    resources = translation.template["Resources"]
    assert not [r for r in resources.values() if r["Type"].startswith("AWS::Serverless")]
    alias = resources["RecommendIntegration"]["Properties"]["IntegrationUri"]["Ref"]
    assert resources[alias]["Properties"]["Name"] == "live"
    code = resources["RecommendApi"]["Properties"]["Code"]
    assert translation.directory(code) == REAL.parent / "functions" / "recommend_api"
    assert translation.parameters["Architecture"] == "x86_64"
    assert translation.parameters["RatingMax"] == "5"


def test_code_that_is_not_a_directory_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  F:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties: { CodeUri: nowhere/, Handler: a.b, Runtime: python3.13 }\n"
    )
    with pytest.raises(TopshelfError, match="the code of F is missing"):
        translate(template, {}, "us-east-1")


def test_what_is_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopshelfError, match="cannot read the template"):
        translate(tmp_path / "none.yaml", {}, "us-east-1")
    (tmp_path / "list.yaml").write_text("- a")
    with pytest.raises(TopshelfError, match="has no Resources"):
        translate(tmp_path / "list.yaml", {}, "us-east-1")


DECLARED = {
    "Size": {"Type": "Number", "Default": 3, "MinValue": 1, "MaxValue": 5},
    "Kind": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]},
    "Name": {"Type": "String", "Default": "x", "AllowedPattern": "[a-z]+"},
}


def test_overrides_replace_defaults() -> None:
    values = parameter_values(DECLARED, {"Size": "4"})
    assert values == {"Size": "4", "Kind": "a", "Name": "x"}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"Size": "6"}, "most is 5"),
        ({"Size": "0"}, "least is 1"),
        ({"Size": "many"}, "no number"),
        ({"Kind": "c"}, "allowed are a, b"),
        ({"Name": "1"}, "does not match"),
        ({"Other": "1"}, "no parameter Other"),
    ],
)
def test_values_are_checked(override: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parameter_values(DECLARED, override)


def test_a_parameter_without_a_default_must_be_given() -> None:
    with pytest.raises(InvalidInputError, match="Must has no default"):
        parameter_values({"Must": {"Type": "String"}}, {})
