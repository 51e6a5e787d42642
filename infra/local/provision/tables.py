"""DynamoDB tables."""

from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned, tag_list
from topshelf.errors import TopshelfError

__all__ = ["TABLE"]


def _create(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("TableName", None) or context.name(logical_id)
    time_to_live = given.pop("TimeToLiveSpecification", None)
    recovery = given.pop("PointInTimeRecoverySpecification", None)
    encryption = given.pop("SSESpecification", None)
    stream = given.pop("StreamSpecification", None)
    if encryption:
        given["SSESpecification"] = {
            ("Enabled" if key == "SSEEnabled" else key): value for key, value in encryption.items()
        }
    if stream:
        given["StreamSpecification"] = {"StreamEnabled": True, **stream}
    given["Tags"] = tag_list(properties)
    found = context.found("dynamodb", "describe_table", TableName=name)
    if found:
        _bring_up_to_date(context, found["Table"], given)
    else:
        context.call("dynamodb", "create_table", TableName=name, **given)
        waiter = context.client("dynamodb").get_waiter("table_exists")
        waiter.wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if time_to_live:
        _expire(context, name, time_to_live)
    if recovery:
        context.call(
            "dynamodb",
            "update_continuous_backups",
            TableName=name,
            PointInTimeRecoverySpecification=recovery,
        )
    table = context.call("dynamodb", "describe_table", TableName=name)["Table"]
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Provisioned(name, attributes)


def _bring_up_to_date(context: Context, found: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    name = found["TableName"]
    if sorted(map(_key, found["KeySchema"])) != sorted(map(_key, wanted["KeySchema"])):
        raise TopshelfError(
            f"{name} holds items under another key than the template's; delete the table first"
        )
    stream = wanted.get("StreamSpecification")
    if stream and not found.get("StreamSpecification", {}).get("StreamEnabled"):
        context.call("dynamodb", "update_table", TableName=name, StreamSpecification=stream)


def _key(part: Mapping[str, str]) -> tuple[str, str]:
    return part["KeyType"], part["AttributeName"]


def _expire(context: Context, name: str, wanted: Mapping[str, Any]) -> None:
    # DynamoDB refuses to enable what is enabled.
    answer = context.call("dynamodb", "describe_time_to_live", TableName=name)
    status = answer["TimeToLiveDescription"].get("TimeToLiveStatus")
    if (status == "ENABLED") != bool(wanted.get("Enabled")):
        context.call(
            "dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=wanted
        )


def _exists(context: Context, table: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("dynamodb", "describe_table", TableName=table.physical_id)


TABLE = Creator(_create, _exists)
