"""A stack of three resources, as its services say it is."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.stack_check import WHOLE, Difference, Gap, Services, check_stack

TEMPLATE = {
    "Parameters": {"Days": {"Type": "Number"}},
    "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
    "Resources": {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"MessageRetentionPeriod": {"Ref": "Days"}, "DelaySeconds": 5},
        },
        "Dead": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"RedrivePolicy": {"Fn::GetAtt": ["Queue", "Arn"]}},
        },
        "Unmade": {"Type": "AWS::SQS::Queue", "Condition": "Never"},
    },
}
RESOURCES = {"Queue": "http://sqs/queue", "Dead": "http://sqs/dead"}


class Queues:
    """SQS as far as the check asks it."""

    def __init__(self, queues: Mapping[str, Mapping[str, str]], code: str = "") -> None:
        self._queues, self._code = queues, code

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        if QueueUrl not in self._queues or self._code:
            code = self._code or "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code}}, "GetQueueAttributes")
        arn = f"arn:{QueueUrl.rsplit('/', 1)[-1]}"
        return {"Attributes": {"QueueArn": arn, **self._queues[QueueUrl]}}


AS_WANTED = {
    "http://sqs/queue": {"MessageRetentionPeriod": "60", "DelaySeconds": "5"},
    "http://sqs/dead": {"RedrivePolicy": "arn:queue"},
}


def check(
    queues: Queues,
    resources: Mapping[str, str] = RESOURCES,
    template: Mapping[str, Any] = TEMPLATE,
    gaps: tuple[Gap, ...] = (),
) -> list[Difference]:
    services = Services(lambda _: queues, "us-east-1", "123456789012")
    parameters = {"Days": "60"}
    return check_stack(services, template, parameters, resources, stack_name="s", gaps=gaps)


def test_as_wanted() -> None:
    assert check(Queues(AS_WANTED)) == []


def test_a_property_that_differs() -> None:
    (found,) = check(Queues({**AS_WANTED, "http://sqs/queue": {"MessageRetentionPeriod": "60"}}))
    assert (found.logical_id, found.property, found.wanted) == ("Queue", "DelaySeconds", 5)
    assert str(found) == (
        "Queue (AWS::SQS::Queue) DelaySeconds: the template says 5, its service None"
    )


def test_a_resource_that_its_service_does_not_know() -> None:
    dead = {"http://sqs/dead": {"RedrivePolicy": "arn:queue"}}
    found = [(each.logical_id, each.property) for each in check(Queues(dead))]
    # What refers to it cannot be right.
    assert found == [("Queue", WHOLE), ("Dead", "RedrivePolicy")]


def test_a_resource_that_cloudformation_does_not_list() -> None:
    (found,) = check(Queues(AS_WANTED), {"Queue": RESOURCES["Queue"]})
    assert (found.logical_id, found.found) == ("Dead", "not among the stack's resources")


def test_a_service_that_cannot_be_asked_is_a_difference() -> None:
    found = check(Queues(AS_WANTED, code="InternalFailure"))
    assert [each.logical_id for each in found] == ["Queue", "Dead"]
    assert all("InternalFailure" in each.found for each in found)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("AWS::Somewhere::New", "nothing here reads resources of this type"),
    ],
)
def test_a_type_that_nothing_reads_is_a_difference(kind: str, said: str) -> None:
    template = {"Resources": {"New": {"Type": kind}}}
    (found,) = check(Queues({}), {"New": "new"}, template)
    assert found.found == said


def test_a_property_that_nothing_reads_is_a_difference() -> None:
    table = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Shape": "round"}}

    class Secrets:
        def describe_secret(self, *, SecretId: str) -> Any:  # noqa: N803
            return {"ARN": SecretId, "Name": "s"}

    services = Services(lambda _: Secrets(), "us-east-1", "123456789012")
    (found,) = check_stack(
        services, {"Resources": {"S": table}}, {}, {"S": "arn:s"}, stack_name="s"
    )
    assert (found.property, found.found) == ("Shape", "nothing here reads it")


def test_a_known_gap_explains_a_difference_and_is_one_when_it_is_closed() -> None:
    gap = Gap("AWS::SQS::Queue", "DelaySeconds", "never delays")
    lost = {**AS_WANTED, "http://sqs/queue": {"MessageRetentionPeriod": "60"}}
    assert check(Queues(lost), gaps=(gap,)) == []
    (stale,) = check(Queues(AS_WANTED), gaps=(gap,))
    assert (stale.property, stale.wanted) == ("DelaySeconds", "never delays")
    # A gap of something that this deployment has not says nothing.
    assert check(Queues(AS_WANTED), gaps=(Gap("AWS::S3::Bucket", "Tags", "none"),)) == []


def test_names_that_differ_in_the_digest_of_the_code_alone_are_one() -> None:
    template = {
        "Resources": {"Layer0123456789": {"Type": "AWS::SQS::Queue", "Properties": {}}},
    }
    url = "http://sqs/queue"
    assert check(Queues(AS_WANTED), {"Layerabcdef0123": url}, template) == []
