"""Recorded calls, and the permissions that each of them takes.

Which action an operation takes, and on what: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.grants.needs import NO_CONTEXT, Need, Place
from topshelf.errors import TopshelfError

__all__ = ["IMPORT_REPORT", "OPERATIONS", "Call", "needs_of_call", "read_calls"]

IMPORT_REPORT: Final = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
)
"""What DynamoDB's ImportTable does with the rights of who calls it, to tell how it went."""

Grain = tuple[str, str, Mapping[str, str]]
"""An action, a resource, and the values of condition keys."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation that was asked for.

    Attributes:
        caller: Name of the function.
        service: As botocore names it.
        operation: As the service names it.
        names: The parameters that name resources.
    """

    caller: str
    service: str
    operation: str
    names: Mapping[str, Any]


def read_calls(path: Path) -> list[Call]:
    """What ``record_calls`` noted; each distinct call once, in the order of the first."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [Call(**json.loads(line)) for line in dict.fromkeys(lines)]


def needs_of_call(call: Call, place: Place) -> list[Need]:
    """The permissions that a call takes.

    Raises:
        TopshelfError: Nobody has said what the operation takes, or the call does not name it.
    """
    known = OPERATIONS.get((call.service, call.operation))
    if known is None:
        raise TopshelfError(
            f"{call.caller} calls {call.service} {call.operation}, whose permission nobody has "
            "stated: add it to infra/grants/calls.py"
        )
    why = f"calls {call.service} {call.operation}"
    try:
        grains = list(known(call.names, place))
    except KeyError as error:
        raise TopshelfError(
            f"{call.caller} {why} without {error}: have infra/grants/recorder.py note it"
        ) from error
    return [
        Need(action, resource, why if number == 0 else f"{why}, which takes it as well", context)
        for number, (action, resource, context) in enumerate(grains)
    ]


Maker = Callable[[Mapping[str, Any], Place], Iterator[Grain]]


def _table(operation: str) -> Maker:
    def grains(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
        table = place.arn("dynamodb", f"table/{names['TableName']}")
        if "IndexName" in names:
            table += f"/index/{names['IndexName']}"
        yield f"dynamodb:{operation}", table, NO_CONTEXT

    return grains


def _tables(operation: str) -> Maker:
    def grains(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
        for table in names["RequestItems"]:
            yield f"dynamodb:{operation}", place.arn("dynamodb", f"table/{table}"), NO_CONTEXT

    return grains


def _import_table(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html
    table = names["TableCreationParameters"]["TableName"]
    yield "dynamodb:ImportTable", place.arn("dynamodb", f"table/{table}"), NO_CONTEXT
    source = names["S3BucketSource"]
    bucket, prefix = f"arn:{place.partition}:s3:::{source['S3Bucket']}", source["S3KeyPrefix"]
    yield "s3:GetObject", f"{bucket}/{prefix}*", NO_CONTEXT
    yield "s3:ListBucket", bucket, {"s3:prefix": prefix}
    # It writes a report with the caller's rights, into log groups whose names it makes up.
    for action in IMPORT_REPORT:
        yield action, place.arn("logs", "log-group:/aws-dynamodb/*"), NO_CONTEXT


def _describe_import(names: Mapping[str, Any], _: Place) -> Iterator[Grain]:
    yield "dynamodb:DescribeImport", names["ImportArn"], NO_CONTEXT


def _object(action: str) -> Maker:
    def grains(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
        key = f"arn:{place.partition}:s3:::{names['Bucket']}/{names['Key']}"
        version = "Version" if "VersionId" in names else ""
        yield f"s3:{action}{version}", key, NO_CONTEXT

    return grains


def _list_bucket(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    context = {"s3:prefix": names.get("Prefix", "")}
    yield "s3:ListBucket", f"arn:{place.partition}:s3:::{names['Bucket']}", context


def _put_records(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    stream = place.arn("firehose", f"deliverystream/{names['DeliveryStreamName']}")
    yield "firehose:PutRecordBatch", stream, NO_CONTEXT


def _secret(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    secret = names["SecretId"]
    # A name stands for an ARN with six random characters behind it.
    arn = secret if secret.startswith("arn:") else place.arn("secretsmanager", f"secret:{secret}-*")
    yield "secretsmanager:GetSecretValue", arn, NO_CONTEXT


def _invoke(names: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    function = names["FunctionName"]
    arn = function if function.startswith("arn:") else place.arn("lambda", f"function:{function}")
    if "Qualifier" in names:
        arn += f":{names['Qualifier']}"
    yield "lambda:InvokeFunction", arn, NO_CONTEXT


def _hook_status(_: Mapping[str, Any], place: Place) -> Iterator[Grain]:
    # The call names a deployment, IAM the group that it belongs to; the application of both is
    # SAM's, and CloudFormation gives its name an ending.
    group = place.arn(
        "codedeploy", f"deploymentgroup:{place.stack_name}-ServerlessDeploymentApplication-*/*"
    )
    yield "codedeploy:PutLifecycleEventHookExecutionStatus", group, NO_CONTEXT


OPERATIONS: Final[Mapping[tuple[str, str], Maker]] = {
    ("codedeploy", "PutLifecycleEventHookExecutionStatus"): _hook_status,
    ("dynamodb", "BatchGetItem"): _tables("BatchGetItem"),
    ("dynamodb", "BatchWriteItem"): _tables("BatchWriteItem"),
    ("dynamodb", "DescribeImport"): _describe_import,
    ("dynamodb", "GetItem"): _table("GetItem"),
    ("dynamodb", "ImportTable"): _import_table,
    ("dynamodb", "PutItem"): _table("PutItem"),
    ("dynamodb", "Query"): _table("Query"),
    ("dynamodb", "UpdateItem"): _table("UpdateItem"),
    ("firehose", "PutRecordBatch"): _put_records,
    ("lambda", "Invoke"): _invoke,
    ("s3", "DeleteObject"): _object("DeleteObject"),
    ("s3", "GetObject"): _object("GetObject"),
    ("s3", "HeadObject"): _object("GetObject"),
    ("s3", "ListObjectsV2"): _list_bucket,
    ("s3", "PutObject"): _object("PutObject"),
    ("secretsmanager", "GetSecretValue"): _secret,
}
