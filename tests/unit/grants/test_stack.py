"""What follows from how resources are set up, and the page that says so."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.grants.__main__ import main
from infra.grants.blueprint import EVERYTHING, Blueprint, blueprint
from infra.grants.calls import Call
from infra.grants.needed import needed, silent
from infra.grants.needs import Place
from infra.grants.policies import roles_of
from infra.local.deploy import Resource
from infra.local.intrinsics import Resolver
from infra.local.translate import translate
from tests.builders.local_cloud import REAL
from topshelf.errors import TopshelfError

SMALL = Path(__file__).parent / "template.yaml"
PLACE = Place("us-east-1", "123456789012", "shop")
KEY = {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/own"}
CODE = "arn:aws:lambda:us-east-1:123456789012:function:shop-code"


def made(parameters: Mapping[str, str] | None = None, **known: Resource) -> Blueprint:
    return blueprint(SMALL, PLACE, parameters=parameters or {}, known=known)


def pairs(stack: Blueprint, role: str, *calls: Call) -> set[tuple[str, str]]:
    found = needed(stack, calls, PLACE)[f"${{{role}.Arn}}"]
    return {(need.action, need.resource) for need in found}


SET_UP = {
    ("logs:CreateLogStream", "${Logs.Arn}"),
    ("logs:PutLogEvents", "${Logs.Arn}"),
    ("dynamodb:DescribeStream", "${Table.StreamArn}"),
    ("dynamodb:GetRecords", "${Table.StreamArn}"),
    ("dynamodb:GetShardIterator", "${Table.StreamArn}"),
    ("dynamodb:ListStreams", "${Table.StreamArn}"),
    ("sqs:SendMessage", "${Aside.Arn}"),
    ("sns:Publish", "${Topic}"),
}


def test_a_function_needs_what_its_set_up_says() -> None:
    assert pairs(made(), "Role") == SET_UP


def test_traces_are_needed_where_they_are_asked_for() -> None:
    more = {("xray:PutTelemetryRecords", "*"), ("xray:PutTraceSegments", "*")}
    assert pairs(made({"Tracing": "Active"}), "Role") == SET_UP | more


def test_a_call_is_needed_by_the_role_of_who_calls() -> None:
    table = Resource("Table", "AWS::DynamoDB::Table", {}, "t", {"Arn": "arn:t", "StreamArn": "s"})
    call = Call("shop-code", "dynamodb", "GetItem", {"TableName": "t"})
    own = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    assert ("dynamodb:GetItem", own) in pairs(made(Table=table), "Role", call)


@pytest.mark.parametrize(
    ("operation", "actions"),
    [("GetItem", {"kms:Decrypt"}), ("PutItem", {"kms:Decrypt", "kms:GenerateDataKey"})],
)
def test_a_table_with_a_key_takes_the_key_too(operation: str, actions: set[str]) -> None:
    arn = PLACE.arn("dynamodb", "table/t")
    table = Resource("Table", "AWS::DynamoDB::Table", {}, "t", {"Arn": arn, "StreamArn": "s"})
    call = Call("shop-code", "dynamodb", operation, {"TableName": "t"})
    found = pairs(made(KEY, Table=table), "Role", call)
    assert {action for action, key in found if key == KEY["KmsKeyArn"]} == actions
    without = pairs(made(Table=table), "Role", call)
    assert not any(action.startswith("kms:") for action, _ in without)


def test_a_state_machine_needs_what_its_tasks_name_in_branches_too() -> None:
    assert pairs(made(), "MachineRole") == {
        ("lambda:InvokeFunction", CODE),
        ("dynamodb:PutItem", "${Table.Arn}"),
        ("sns:Publish", "${Topic}"),
    }
    needs = needed(made(), [], PLACE)["${MachineRole.Arn}"]
    (lock,) = (need for need in needs if need.action == "dynamodb:PutItem")
    assert lock.context == {"dynamodb:LeadingKeys": "lock"}


def test_a_task_of_a_kind_that_nobody_stated_is_refused_by_name() -> None:
    stack = made()
    (machine,) = (r for r in stack if r.logical_id == "Machine")
    definition = {"States": {"Odd": {"Type": "Task", "Resource": "arn:aws:states:::glue:run"}}}
    odd = replace(machine, properties={**machine.properties, "Definition": definition})
    with pytest.raises(TopshelfError, match="the task Odd is arn:aws:states:::glue:run"):
        needed([odd if r is machine else r for r in stack], [], PLACE)


def test_a_caller_that_is_none_of_the_stacks_is_refused() -> None:
    with pytest.raises(TopshelfError, match="nobody calls AWS, and is none of the stack's"):
        needed(made(), [Call("nobody", "s3", "GetObject", {})], PLACE)


def test_a_function_without_a_call_is_named() -> None:
    assert list(silent(made(), [])) == [
        "shop-code: no call of it was recorded: let the test run it"
    ]
    assert not list(silent(made(), [Call("shop-code", "s3", "GetObject", {})]))


def test_a_policy_apart_from_its_role_is_refused() -> None:
    with pytest.raises(TopshelfError, match="Apart: write a role's policies in the role"):
        roles_of([Resource("Apart", "AWS::IAM::Policy", {})])


def test_everything_of_the_real_template_is_there_with_every_option() -> None:
    translation = translate(REAL, EVERYTHING, "us-east-1")
    template = translation.template
    resolver = Resolver(template, translation.parameters)
    there = {resource.logical_id for resource in blueprint(REAL, PLACE, parameters=EVERYTHING)}
    for name, said in template["Resources"].items():
        if said["Type"] == "AWS::IAM::Role":
            assert name in there
            for condition in _conditions(said["Properties"].get("Policies", [])):
                # What is said without it is nothing, or the other half would never be looked at.
                assert condition[2] == {"Ref": "AWS::NoValue"}, name
                assert resolver.holds(condition[0]), (name, condition[0])


def _conditions(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _conditions(item)]
    if isinstance(value, dict):
        own = [value["Fn::If"]] if "Fn::If" in value else []
        return own + [found for item in value.values() for found in _conditions(item)]
    return []


def test_the_page_says_what_is_granted_when_and_why(tmp_path: Path) -> None:
    page = tmp_path / "grants.md"
    given = ["--template", str(SMALL), "--page", str(page)]
    assert main([*given, "--check"]) == 1
    assert main(given) == 0
    assert main([*given, "--check"]) == 0
    lines = page.read_text().splitlines()
    assert "Taken by lambda.amazonaws.com, for Code." in lines
    logs = "logs:CreateLogStream, logs:PutLogEvents | `${Logs.Arn}`"
    assert f"| {logs} |  | Lambda writes the function's log |" in lines
    assert "| dynamodb:GetItem | `${Table.Arn}` |  | calls it |" in lines
    assert any(line.startswith("| kms:Decrypt | `${KmsKeyArn}` | KmsKeyArn | ") for line in lines)
    page.write_text(page.read_text() + "\n")
    assert main([*given, "--check"]) == 1


def test_a_template_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none.yaml"
    none.write_text(json.dumps({"Resources": {}}))
    assert main(["--template", str(none), "--page", str(tmp_path / "page.md")]) == 1
    assert capsys.readouterr().err == ("grants: the template has no parameter KmsKeyArn\n")
