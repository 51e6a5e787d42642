"""The packaged template as plain CloudFormation."""

from typing import Any

import pytest

from infra.stack_check.translation import plain_template
from tests.conftest import REGION
from topshelf.errors import InvalidInputError, TopshelfError


def _packaged(code: str = "s3://packages/code.zip") -> dict[str, Any]:
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {
            "Gradual": {"Type": "String", "Default": "true", "AllowedValues": ["true", "false"]}
        },
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "handler.lambda_handler",
                    "CodeUri": code,
                    "AutoPublishAlias": "live",
                    "DeploymentPreference": {"Enabled": {"Ref": "Gradual"}, "Type": "AllAtOnce"},
                },
            }
        },
    }


def _types(parameters: dict[str, str]) -> set[str]:
    template, _ = plain_template(_packaged(), parameters, REGION)
    return {resource["Type"] for resource in template["Resources"].values()}


def test_the_transform_hears_of_parameters() -> None:
    assert "AWS::CodeDeploy::DeploymentGroup" in _types({})
    assert _types({"Gradual": "false"}) == {
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
    }


def test_the_source_stays_as_it_is_and_values_are_checked() -> None:
    source = _packaged()
    _, parameters = plain_template(source, {"Gradual": "false"}, REGION)
    assert parameters == {"Gradual": "false"}
    assert source == _packaged()
    with pytest.raises(InvalidInputError, match="Gradual is 'maybe', allowed are true, false"):
        plain_template(source, {"Gradual": "maybe"}, REGION)


def test_what_is_not_sam_is_refused_with_the_reason() -> None:
    with pytest.raises(TopshelfError, match="CodeUri"):
        plain_template(_packaged("functions/api/"), {}, REGION)
