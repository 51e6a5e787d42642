"""What calls come to in IAM, beside the list of actions that a linter has."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.grants.calls import OPERATIONS, Call, needs_of_call, read_calls
from infra.grants.needs import Place
from infra.grants.recorder import names_in, record_calls
from topshelf.errors import TopshelfError

PLACE = Place("us-east-1", "123456789012", "shop")
HERE = "us-east-1:123456789012"

NAMES: dict[str, Any] = {
    "TableName": "t",
    "RequestItems": ["a", "b"],
    "Bucket": "lake",
    "Key": "models/1/x",
    "Prefix": "models/",
    "SecretId": "key",
    "DeliveryStreamName": "d",
    "FunctionName": "f",
    "ImportArn": f"arn:aws:dynamodb:{HERE}:table/t/import/1",
    "S3BucketSource": {"S3Bucket": "lake", "S3KeyPrefix": "models/1/topk/"},
    "TableCreationParameters": {"TableName": "t"},
}


def needs(service: str, operation: str, **names: Any) -> list[tuple[str, str]]:
    call = Call("f", service, operation, names or NAMES)
    return [(need.action, need.resource) for need in needs_of_call(call, PLACE)]


def test_reading_many_tables_takes_the_permission_on_each() -> None:
    assert needs("dynamodb", "BatchGetItem") == [
        ("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{HERE}:table/a"),
        ("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{HERE}:table/b"),
    ]


def test_an_index_is_a_resource_of_its_own() -> None:
    assert needs("dynamodb", "Query", TableName="t", IndexName="i") == [
        ("dynamodb:Query", f"arn:aws:dynamodb:{HERE}:table/t/index/i")
    ]


def test_an_import_takes_its_source_and_its_report() -> None:
    found = needs("dynamodb", "ImportTable")
    assert found[:3] == [
        ("dynamodb:ImportTable", f"arn:aws:dynamodb:{HERE}:table/t"),
        ("s3:GetObject", "arn:aws:s3:::lake/models/1/topk/*"),
        ("s3:ListBucket", "arn:aws:s3:::lake"),
    ]
    assert {resource for _, resource in found[3:]} == {
        f"arn:aws:logs:{HERE}:log-group:/aws-dynamodb/*"
    }


def test_s3s_actions_are_not_named_as_its_operations() -> None:
    key = "arn:aws:s3:::lake/models/1/x"
    assert needs("s3", "HeadObject") == [("s3:GetObject", key)]
    assert needs("s3", "ListObjectsV2") == [("s3:ListBucket", "arn:aws:s3:::lake")]
    older = needs("s3", "GetObject", Bucket="lake", Key="models/1/x", VersionId="3")
    assert older == [("s3:GetObjectVersion", key)]


def test_a_function_is_invoked_by_name_or_arn_and_version() -> None:
    arn = f"arn:aws:lambda:{HERE}:function:f"
    assert needs("lambda", "Invoke") == [("lambda:InvokeFunction", arn)]
    assert needs("lambda", "Invoke", FunctionName=f"{arn}:7") == [
        ("lambda:InvokeFunction", f"{arn}:7")
    ]
    assert needs("lambda", "Invoke", FunctionName="f", Qualifier="live") == [
        ("lambda:InvokeFunction", f"{arn}:live")
    ]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_each_action_exists_and_takes_such_a_resource(service: str, operation: str) -> None:
    data = files("cfnlint.data.AdditionalSpecs") / "Policies.json"
    known = json.loads(data.read_text())
    for action, resource in needs(service, operation):
        prefix, name = action.split(":")
        said = known[prefix]["Actions"][name.lower()]
        patterns = [
            re.sub(r"\\?\$\{\w+\}", ".*", form)
            for kind in said.get("Resources", [])
            for form in known[prefix]["Resources"][kind.lower()]["ARNFormats"]
        ]
        # Without a list of its own an action asks for nothing narrower.
        assert not patterns or any(re.fullmatch(p, resource) for p in patterns), action


def test_an_operation_that_nobody_stated_is_refused_by_name() -> None:
    with pytest.raises(TopshelfError, match="f calls dynamodb Scan, whose permission nobody has"):
        needs("dynamodb", "Scan")


def test_a_call_that_names_nothing_is_refused() -> None:
    with pytest.raises(TopshelfError, match="without 'TableName'"):
        needs("dynamodb", "GetItem", Other="x")


def test_names_are_kept_and_contents_are_not() -> None:
    assert names_in(
        {
            "TableName": "t",
            "Key": {"user_id": {"S": "viewer"}},
            "RequestItems": {"b": {"Keys": [{"user_id": {"S": "viewer"}}]}, "a": {}},
            "S3BucketSource": {"S3Bucket": "lake", "S3KeyPrefix": "models/"},
            "Body": b"secret",
            "Payload": "secret",
        }
    ) == {
        "TableName": "t",
        "RequestItems": ["a", "b"],
        "S3BucketSource": {"S3Bucket": "lake", "S3KeyPrefix": "models/"},
    }


def test_calls_are_noted_once_they_are_made_whatever_comes_of_them(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    given = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    end = record_calls(file, "f")
    try:
        client = boto3.client("dynamodb", **given)
        with Stubber(client) as stub:
            item = {"TableName": "t", "Key": {"id": {"S": "x"}}}
            stub.add_response("get_item", {}, item)
            stub.add_response("get_item", {}, item)
            stub.add_client_error("put_item", "AccessDenied")
            client.get_item(**item)
            client.get_item(**item)
            with pytest.raises(ClientError):
                client.put_item(TableName="u", Item={"id": {"S": "x"}})
    finally:
        end()
    with Stubber(client) as stub:
        stub.add_response("get_item", {}, item)
        client.get_item(**item)
    assert read_calls(file) == [
        Call("f", "dynamodb", "GetItem", {"TableName": "t"}),
        Call("f", "dynamodb", "PutItem", {"TableName": "u"}),
    ]


def test_nothing_was_noted_where_nothing_was_called(tmp_path: Path) -> None:
    assert read_calls(tmp_path / "calls.jsonl") == []
