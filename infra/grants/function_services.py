"""What Lambda does with a function's role: logs, traces, streams, what failed, its variables."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from infra.grants.needs import Need, Needed, Place, Rule, arn_of
from infra.local.deploy import Resource

__all__ = ["FUNCTION_RULES"]


def _log(function: Resource, stack: Iterable[Resource], _: Place) -> Iterator[Needed]:
    name = function.properties.get("LoggingConfig", {}).get("LogGroup")
    for group in stack:
        if group.type == "AWS::Logs::LogGroup" and group.physical_id == name:
            for action in ("CreateLogStream", "PutLogEvents"):
                why = "Lambda writes the function's log"
                yield _role(function), Need(f"logs:{action}", arn_of(group), why)


def _traces(function: Resource, _: Iterable[Resource], __: Place) -> Iterator[Needed]:
    if function.properties.get("TracingConfig", {}).get("Mode") == "Active":
        for action in ("PutTelemetryRecords", "PutTraceSegments"):
            yield _role(function), Need(f"xray:{action}", "*", "Lambda sends traces")


def _variables(function: Resource, _: Iterable[Resource], __: Place) -> Iterator[Needed]:
    if key := function.properties.get("KmsKeyArn"):
        yield _role(function), Need("kms:Decrypt", key, "Lambda reads the function's variables")


def _event_source(mapping: Resource, stack: Iterable[Resource], _: Place) -> Iterator[Needed]:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-ddb.html
    function = _called(str(mapping.properties["FunctionName"]), stack)
    if function is None:
        return
    role, stream = _role(function), str(mapping.properties["EventSourceArn"])
    for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"):
        why = "the event source mapping reads the stream"
        yield role, Need(f"dynamodb:{action}", stream, why)
    yield from _put_aside(role, mapping, stack)


def _invoke_config(config: Resource, stack: Iterable[Resource], _: Place) -> Iterator[Needed]:
    function = _called(str(config.properties["FunctionName"]), stack)
    if function is not None:
        yield from _put_aside(_role(function), config, stack)


def _put_aside(role: str, configured: Resource, stack: Iterable[Resource]) -> Iterator[Needed]:
    failures = configured.properties.get("DestinationConfig", {}).get("OnFailure", {})
    if destination := failures.get("Destination"):
        kinds = {resource.type for resource in stack if destination in _names(resource)}
        action = "sns:Publish" if "AWS::SNS::Topic" in kinds else "sqs:SendMessage"
        yield role, Need(action, destination, "Lambda puts aside what failed")


def _names(resource: Resource) -> tuple[str, ...]:
    if resource.type not in {"AWS::SNS::Topic", "AWS::SQS::Queue"}:
        return ()
    # A topic's Ref is its ARN, a queue's is its address.
    topic = resource.type == "AWS::SNS::Topic"
    return (resource.physical_id,) if topic else (arn_of(resource),)


def _called(name: str, stack: Iterable[Resource]) -> Resource | None:
    """The function that a name, an ARN or an alias stands for."""
    ids = {resource.physical_id: resource for resource in stack}
    if name in ids and ids[name].type == "AWS::Lambda::Alias":
        name = str(ids[name].properties["FunctionName"])
    found = ids.get(re.sub(r"^arn:.*:function:([^:]+).*$", r"\1", name))
    return found if found is not None and found.type == "AWS::Lambda::Function" else None


def _role(function: Resource) -> str:
    return str(function.properties["Role"])


FUNCTION_RULES: Final[Mapping[str, Sequence[Rule]]] = {
    "AWS::Lambda::EventInvokeConfig": (_invoke_config,),
    "AWS::Lambda::EventSourceMapping": (_event_source,),
    "AWS::Lambda::Function": (_log, _traces, _variables),
}
