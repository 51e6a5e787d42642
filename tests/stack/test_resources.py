"""Every resource of the template, asked through its own service; what is dropped is caught."""

import json

import pytest

from infra.stack_check import WHOLE, Gap, check_stack
from infra.stack_check.gaps import MINISTACK
from tests.stack.conftest import PARAMETERS, activity_image
from tests.stack.ministack import MiniStack
from tests.stack.stacks import Deployed, deploy, source

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_every_resource_is_what_the_template_says(deployed: Deployed) -> None:
    found = deployed.examine(MINISTACK)
    assert not found.differences, "\n".join(map(str, found.differences))
    print(  # noqa: T201 - what the check covers is worth a line
        f"{found.resources} resources, {len(found.compared)} properties, "
        f"{len(found.explained)} differences in {len(MINISTACK)} known gaps"
    )
    assert found.resources == len(deployed.resources)
    unused = [
        gap for gap in MINISTACK if not any(gap.covers(d.type, d.property) for d in found.explained)
    ]
    assert not unused, "take these off the list: the template has no such property"


def test_a_gap_that_is_closed_has_to_leave_the_list(deployed: Deployed) -> None:
    closed = Gap("AWS::DynamoDB::Table", "BillingMode", "forgets it")
    (difference,) = deployed.examine((*MINISTACK, closed)).differences
    assert (difference.type, difference.property) == (closed.type, closed.property)


@pytest.fixture(scope="module")
def damaged(ministack: MiniStack) -> Deployed:
    """A stack of its own, for tests that take from it."""
    return deploy(ministack, "damaged", PARAMETERS, source())


def test_resources_that_were_dropped_in_silence_are_missed(damaged: Deployed) -> None:
    there, client = damaged.resources, damaged.ministack.client
    client("sqs").delete_queue(QueueUrl=there["RefreshFailures"])
    client("s3").delete_bucket_policy(Bucket=there["Bucket"])
    client("apigatewayv2").delete_route(
        ApiId=there["HttpApi"], RouteId=there["PopularRoute"].rsplit("/", 1)[-1]
    )
    client("cloudwatch").delete_alarms(AlarmNames=[there["RefreshFailed"]])
    # CloudFormation goes on saying that all is there.
    assert damaged.resources == there
    missed = {each.logical_id: each.property for each in damaged.examine(MINISTACK).differences}
    dropped = dict.fromkeys(
        ["BucketPolicy", "PopularRoute", "RefreshFailed", "RefreshFailures"], WHOLE
    )
    assert missed.items() >= dropped.items()
    # What names the queue cannot be as the template wants it either.
    assert missed.keys() - dropped.keys() <= {"RefreshTopkActivity", "RefreshTopkRole"}


def test_a_resource_that_cloudformation_never_made_is_missed(damaged: Deployed) -> None:
    made = {name: found for name, found in damaged.resources.items() if name != "RegistryTable"}
    differences = check_stack(
        damaged.services,
        damaged.template,
        damaged.parameters,
        made,
        stack_name=damaged.stack.name,
        gaps=MINISTACK,
    )
    assert ("RegistryTable", "not among the stack's resources") in [
        (each.logical_id, each.found) for each in differences
    ]


def test_a_changed_property_is_a_difference(damaged: Deployed) -> None:
    name = damaged.resources["ReleaseModel"]
    damaged.ministack.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"TOPSHELF_BUKET": "lake"}}
    )
    found = {
        each.property
        for each in damaged.examine(MINISTACK).differences
        if each.logical_id == "ReleaseModel"
    }
    assert "Environment.Variables.TOPSHELF_BUCKET" in found


def test_a_function_without_its_variable_says_so(damaged: Deployed) -> None:
    lambdas, name = damaged.ministack.client("lambda"), damaged.resources["RefreshTopk"]
    lambdas.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"TOPSHELF_BUKET": "lake"}}
    )
    event = {"user_id": "v1", "item_id": "m1", "event_type": "view", "timestamp": 1_790_000_000_000}
    image = activity_image({"S": json.dumps(event)})
    record = {"dynamodb": {"SequenceNumber": "1", "NewImage": image}}
    answer = lambdas.invoke(FunctionName=name, Payload=json.dumps({"Records": [record]}).encode())
    assert "FunctionError" in answer
    said = json.loads(answer["Payload"].read())["errorMessage"]
    assert "TOPSHELF_BUCKET: field required" in said
