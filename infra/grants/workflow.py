"""What a state machine needs for its tasks: its definition, read as IAM would.

Reference: https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from infra.grants.needs import NO_CONTEXT, Need, Place, arn_of
from infra.local.deploy import Resource
from topshelf.errors import TopshelfError

__all__ = ["fans_out", "job_roles", "workflow_needs"]

_TRACES: Final = (
    "GetSamplingRules",
    "GetSamplingTargets",
    "PutTelemetryRecords",
    "PutTraceSegments",
)
_LOG_DELIVERIES: Final = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def workflow_needs(machine: Resource, stack: Iterable[Resource], place: Place) -> Iterator[Need]:
    """What the role of a state machine is needed for.

    Args:
        machine: The state machine.
        stack: All resources: tasks name tables, policies their ARNs.
        place: Where the stack is.

    Raises:
        TopshelfError: A task is of a kind that nobody has stated.
    """
    tables = {table.physical_id: table for table in stack if table.type == "AWS::DynamoDB::Table"}
    for state, task in _tasks(_definition(machine.properties)):
        kind = str(task["Resource"])
        known = _TASKS.get(re.sub(r"^arn:[^:]*:states:[^:]*:[^:]*:", "", kind))
        if known is None:
            raise TopshelfError(
                f"{machine.logical_id}: the task {state} is {kind}, whose permission nobody has "
                "stated: add it to infra/grants/workflow.py"
            )
        arguments = task.get("Arguments", task.get("Parameters", {}))
        for action, resource, context in known(arguments, tables, place):
            yield Need(action, resource, f"the state machine's task {state}", context)
    yield from _set_up(machine, place)


def _set_up(machine: Resource, place: Place) -> Iterator[Need]:
    """What follows from how a state machine is set up, whatever its tasks."""
    said = machine.properties
    if fans_out(machine):
        # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        own = place.arn("states", f"stateMachine:{said['StateMachineName']}")
        yield Need("states:StartExecution", own, "a distributed map starts the machine's children")
        children = place.arn("states", f"execution:{said['StateMachineName']}:*")
        for action in ("states:DescribeExecution", "states:StopExecution"):
            yield Need(action, children, "a distributed map looks after them")
    if said.get("TracingConfiguration", {}).get("Enabled"):
        # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
        for action in _TRACES:
            yield Need(f"xray:{action}", "*", "Step Functions sends traces")
    if said.get("LoggingConfiguration", {}).get("Destinations"):
        # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
        for action in _LOG_DELIVERIES:
            yield Need(f"logs:{action}", "*", "Step Functions writes its log")
    if key := said.get("EncryptionConfiguration", {}).get("KmsKeyId"):
        # https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
        for action in ("Decrypt", "GenerateDataKey"):
            yield Need(f"kms:{action}", key, "Step Functions encrypts what it keeps of a run")


def job_roles(machine: Resource) -> Iterator[str]:
    """The roles with which a state machine starts jobs on Spark."""
    for _, task in _tasks(_definition(machine.properties)):
        if str(task["Resource"]).endswith(":emr-serverless:startJobRun.sync"):
            role = task.get("Arguments", {}).get("ExecutionRoleArn")
            if role:
                yield str(role)


def fans_out(machine: Resource) -> bool:
    """Whether a state machine has a distributed map that some way leads to: its jobs have a queue.

    Such a map starts executions of its own machine, each with one item.
    """
    states = _definition(machine.properties)["States"].values()
    inner = (state["ItemProcessor"] for state in states if state["Type"] == "Map")
    return any(
        task.get("Arguments", {}).get("JobQueue", "-")
        for processor in inner
        if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        for _, task in _tasks(processor)
    )


def _definition(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    substitutions = properties.get("DefinitionSubstitutions", {})

    def filled(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda m: str(substitutions.get(m[1], m[0])), value)
        return value

    written = properties.get("DefinitionString") or properties["Definition"]
    found: Mapping[str, Any] = filled(json.loads(written) if isinstance(written, str) else written)
    return found


def _tasks(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield name, state
        for inner in (*state.get("Branches", []), state.get("ItemProcessor")):
            if inner:
                yield from _tasks(inner)


Grain = tuple[str, str, Mapping[str, str]]
"""An action, a resource, and the values of condition keys."""

Maker = Callable[[Mapping[str, Any], Mapping[str, Resource], Place], Iterator[Grain]]


def _invoke(arguments: Mapping[str, Any], *_: object) -> Iterator[Grain]:
    yield "lambda:InvokeFunction", str(arguments["FunctionName"]), NO_CONTEXT


def _publish(arguments: Mapping[str, Any], *_: object) -> Iterator[Grain]:
    yield "sns:Publish", str(arguments["TopicArn"]), NO_CONTEXT


def _item(action: str, holder: str) -> Maker:
    def grains(
        arguments: Mapping[str, Any], tables: Mapping[str, Resource], _: Place
    ) -> Iterator[Grain]:
        table = tables[arguments["TableName"]]
        keys = table.properties["KeySchema"]
        (partition,) = (key["AttributeName"] for key in keys if key["KeyType"] == "HASH")
        (value,) = arguments[holder][partition].values()
        yield f"dynamodb:{action}", arn_of(table), {"dynamodb:LeadingKeys": str(value)}

    return grains


def _job(arguments: Mapping[str, Any], _: Mapping[str, Resource], place: Place) -> Iterator[Grain]:
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html
    if not arguments["JobQueue"]:
        # A stack without training: the task is there, and no way leads to it.
        return
    yield "batch:SubmitJob", str(arguments["JobDefinition"]), NO_CONTEXT
    yield "batch:SubmitJob", str(arguments["JobQueue"]), NO_CONTEXT
    # A job has no name before it runs.
    yield "batch:DescribeJobs", "*", NO_CONTEXT
    yield "batch:TerminateJob", "*", NO_CONTEXT
    # Of a job's end Step Functions hears by a rule that it makes itself.
    rule = place.arn("events", "rule/StepFunctionsGetEventsForBatchJobsRule")
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield f"events:{action}", rule, NO_CONTEXT


def _spark_job(
    arguments: Mapping[str, Any], _: Mapping[str, Resource], place: Place
) -> Iterator[Grain]:
    # https://docs.aws.amazon.com/step-functions/latest/dg/emr-serverless-iam.html
    if not arguments["ApplicationId"]:
        # A stack without Spark: the task is there, and no way leads to it.
        return
    application = _application_arn(str(arguments["ApplicationId"]), place)
    yield "emr-serverless:StartJobRun", application, NO_CONTEXT
    for action in ("CancelJobRun", "GetJobRun"):
        yield f"emr-serverless:{action}", f"{application}/jobruns/*", NO_CONTEXT
    to_whom = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
    yield "iam:PassRole", str(arguments["ExecutionRoleArn"]), to_whom
    rule = place.arn("events", "rule/StepFunctionsGetEventsForEMRServerlessJobRule")
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield f"events:{action}", rule, NO_CONTEXT


def _application_arn(name: str, place: Place) -> str:
    # What is not deployed stands as its name, and its ARN as an attribute of that name.
    if name.startswith("${"):
        return f"{name[:-1]}.Arn}}"
    return place.arn("emr-serverless", f"/applications/{name}")


_TASKS: Final[Mapping[str, Maker]] = {
    "batch:submitJob.sync": _job,
    "dynamodb:deleteItem": _item("DeleteItem", "Key"),
    "dynamodb:putItem": _item("PutItem", "Item"),
    "emr-serverless:startJobRun.sync": _spark_job,
    "lambda:invoke": _invoke,
    "sns:publish": _publish,
}
