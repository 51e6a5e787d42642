"""Lambda layers, functions, their permissions and event sources."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.local.provision.base import Context, Creator, Provisioned, code_of, tag_list

__all__ = ["EVENT_SOURCE_MAPPING", "FUNCTION", "LAYER", "PERMISSION", "zip_directory"]

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def zip_directory(directory: Path, prefix: str = "") -> bytes:
    """A directory as a zip file; the same content gives the same bytes.

    Args:
        directory: Left out are compiled files and hidden ones.
        prefix: Path inside the zip file, ending in a slash.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            parts = path.relative_to(directory).parts
            if path.is_file() and not any(p == "__pycache__" or p[0] == "." for p in parts):
                entry = zipfile.ZipInfo(prefix + "/".join(parts), _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _create_layer(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("LayerName", None) or context.name(logical_id)
    directory = context.translation.directory(given.pop("Content"))
    answer = context.call(
        "lambda",
        "publish_layer_version",
        LayerName=name,
        Content={"ZipFile": zip_directory(directory, "python/")},
        **given,
    )
    return Provisioned(answer["LayerVersionArn"], {"LayerVersionArn": answer["LayerVersionArn"]})


def _layer_exists(context: Context, layer: Provisioned, _: Mapping[str, Any]) -> object:
    name, version = layer.physical_id.rsplit(":", 1)
    return context.found("lambda", "get_layer_version", LayerName=name, VersionNumber=version)


def _create_function(
    context: Context, logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    given = dict(properties)
    name = given.pop("FunctionName", None) or context.name(logical_id)[-64:].lstrip("-")
    content = zip_directory(context.translation.directory(given.pop("Code")))
    concurrency = given.pop("ReservedConcurrentExecutions", None)
    tags = {tag["Key"]: tag["Value"] for tag in tag_list(properties) or []}
    given.pop("Tags", None)
    found = context.found("lambda", "get_function", FunctionName=name)
    if found:
        context.call("lambda", "update_function_code", FunctionName=name, ZipFile=content)
        architectures = given.pop("Architectures", None)
        # What is not said stays as it is: none is said.
        given.setdefault("Environment", {"Variables": {}})
        context.call("lambda", "update_function_configuration", FunctionName=name, **given)
        given["Architectures"] = architectures
        arn = found["Configuration"]["FunctionArn"]
    else:
        answer = context.call(
            "lambda",
            "create_function",
            FunctionName=name,
            Code={"ZipFile": content},
            Tags=tags or None,
            **given,
        )
        arn = answer["FunctionArn"]
    if concurrency is not None:
        context.call(
            "lambda",
            "put_function_concurrency",
            FunctionName=name,
            ReservedConcurrentExecutions=concurrency,
        )
    return Provisioned(name, {"Arn": arn})


def _function_exists(context: Context, function: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("lambda", "get_function", FunctionName=function.physical_id)


def _create_permission(
    context: Context, logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    try:
        context.call("lambda", "add_permission", StatementId=logical_id, **properties)
    except ClientError as error:
        # It is there from an earlier deployment; a statement cannot be changed in place.
        if code_of(error) != "ResourceConflictException":
            raise
        name = properties["FunctionName"]
        context.call("lambda", "remove_permission", FunctionName=name, StatementId=logical_id)
        context.call("lambda", "add_permission", StatementId=logical_id, **properties)
    return Provisioned(logical_id)


def _permission_exists(
    context: Context, permission: Provisioned, properties: Mapping[str, Any]
) -> object:
    answer = context.found("lambda", "get_policy", FunctionName=properties["FunctionName"])
    statements = json.loads(answer["Policy"])["Statement"] if answer else []
    return any(statement.get("Sid") == permission.physical_id for statement in statements)


def _create_mapping(
    context: Context, _logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    given = dict(properties)
    if context.plays_functions:
        # The local cloud plays event sources; two players would call the function twice.
        given["Enabled"] = False
    found = context.call(
        "lambda",
        "list_event_source_mappings",
        FunctionName=properties["FunctionName"],
        EventSourceArn=properties["EventSourceArn"],
    )["EventSourceMappings"]
    if found:
        for fixed in ("EventSourceArn", "StartingPosition", "Tags"):
            given.pop(fixed, None)
        uuid = found[0]["UUID"]
        context.call("lambda", "update_event_source_mapping", UUID=uuid, **given)
        return Provisioned(uuid, {"Id": uuid})
    answer = context.call("lambda", "create_event_source_mapping", **given)
    return Provisioned(answer["UUID"], {"Id": answer["UUID"]})


def _mapping_exists(context: Context, mapping: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("lambda", "get_event_source_mapping", UUID=mapping.physical_id)


def _delete_layer(context: Context, layer: Provisioned, _: Mapping[str, Any]) -> None:
    name, version = layer.physical_id.rsplit(":", 1)
    context.found("lambda", "delete_layer_version", LayerName=name, VersionNumber=version)


def _delete_function(context: Context, function: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("lambda", "delete_function", FunctionName=function.physical_id)


def _delete_permission(
    context: Context, permission: Provisioned, properties: Mapping[str, Any]
) -> None:
    context.found(
        "lambda",
        "remove_permission",
        FunctionName=properties["FunctionName"],
        StatementId=permission.physical_id,
    )


def _delete_mapping(context: Context, mapping: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("lambda", "delete_event_source_mapping", UUID=mapping.physical_id)


LAYER = Creator(_create_layer, _layer_exists, _delete_layer)
FUNCTION = Creator(_create_function, _function_exists, _delete_function)
PERMISSION = Creator(_create_permission, _permission_exists, _delete_permission)
EVENT_SOURCE_MAPPING = Creator(_create_mapping, _mapping_exists, _delete_mapping, remade=True)
