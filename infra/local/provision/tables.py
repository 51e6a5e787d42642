"""DynamoDB tables."""

from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned, document, tag_list
from topshelf.errors import TopshelfError

__all__ = ["TABLE"]


def _create(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("TableName", None) or _free_name(context, logical_id, given["KeySchema"])
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
    _expire(context, name, time_to_live or {})
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


def _free_name(context: Context, logical_id: str, schema: list[Mapping[str, str]]) -> str:
    """A table's name; another one where a table of another key has it, which is replaced."""
    name = context.name(logical_id)
    found = context.found("dynamodb", "describe_table", TableName=name)
    if found is None or _same_key(found["Table"]["KeySchema"], schema):
        return name
    return context.name(logical_id, document(sorted(map(_key, schema))))


def _bring_up_to_date(context: Context, found: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    name = found["TableName"]
    if not _same_key(found["KeySchema"], wanted["KeySchema"]):
        raise TopshelfError(
            f"the table {name} has another key than the template's, and a table that the template "
            "names cannot be replaced: rename it in the template, or delete it first"
        )
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if _indexes(found.get(kind, [])) != _indexes(wanted.get(kind, [])):
            raise TopshelfError(
                f"the table {name} has other {kind} than the template's, which the local cloud "
                "cannot change: delete the table first"
            )
    stream = wanted.get("StreamSpecification")
    streams = found.get("StreamSpecification", {})
    if streams.get("StreamEnabled") and streams != stream:
        off = {"StreamEnabled": False}
        context.call("dynamodb", "update_table", TableName=name, StreamSpecification=off)
        streams = off
    if stream and not streams.get("StreamEnabled"):
        context.call("dynamodb", "update_table", TableName=name, StreamSpecification=stream)


def _indexes(indexes: list[Mapping[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    return {index["IndexName"]: sorted(map(_key, index["KeySchema"])) for index in indexes}


def _same_key(one: list[Mapping[str, str]], other: list[Mapping[str, str]]) -> bool:
    return sorted(map(_key, one)) == sorted(map(_key, other))


def _key(part: Mapping[str, str]) -> tuple[str, str]:
    return part["KeyType"], part["AttributeName"]


def _expire(context: Context, name: str, wanted: Mapping[str, Any]) -> None:
    # DynamoDB refuses to enable what is enabled.
    answer = context.call("dynamodb", "describe_time_to_live", TableName=name)
    found = answer["TimeToLiveDescription"]
    if (found.get("TimeToLiveStatus") == "ENABLED") != bool(wanted.get("Enabled")):
        asked = wanted or {"AttributeName": found["AttributeName"], "Enabled": False}
        context.call(
            "dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=asked
        )


def _exists(context: Context, table: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("dynamodb", "describe_table", TableName=table.physical_id)


def _delete(context: Context, table: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("dynamodb", "delete_table", TableName=table.physical_id)


TABLE = Creator(_create, _exists, _delete)
