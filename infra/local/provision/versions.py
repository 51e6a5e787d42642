"""Published versions of functions, the aliases that point to them, and how both are invoked."""

from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned

__all__ = ["ALIAS", "EVENT_INVOKE_CONFIG", "VERSION"]


def _create_version(
    context: Context, _logical_id: str, properties: Mapping[str, Any]
) -> Provisioned:
    answer = context.call("lambda", "publish_version", **properties)
    number = answer["Version"]
    return Provisioned(f"{_plain(answer['FunctionArn'])}:{number}", {"Version": number})


def _plain(arn: str) -> str:
    """A function's ARN without a qualifier."""
    return ":".join(arn.split(":")[:7])


def _version_exists(context: Context, version: Provisioned, _: Mapping[str, Any]) -> object:
    arn, number = version.physical_id.rsplit(":", 1)
    return context.found("lambda", "get_function", FunctionName=arn, Qualifier=number)


def _delete_version(context: Context, version: Provisioned, _: Mapping[str, Any]) -> None:
    arn, number = version.physical_id.rsplit(":", 1)
    context.found("lambda", "delete_function", FunctionName=arn, Qualifier=number)


def _create_alias(context: Context, _logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    which = {"FunctionName": properties["FunctionName"], "Name": properties["Name"]}
    found = context.found("lambda", "get_alias", **which)
    answer = context.call("lambda", "update_alias" if found else "create_alias", **properties)
    return Provisioned(answer["AliasArn"], {"AliasArn": answer["AliasArn"]})


def _alias_exists(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> object:
    name, function = properties["Name"], properties["FunctionName"]
    return context.found("lambda", "get_alias", FunctionName=function, Name=name)


def _delete_alias(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> None:
    name, function = properties["Name"], properties["FunctionName"]
    context.found("lambda", "delete_alias", FunctionName=function, Name=name)


def _create_config(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    context.call("lambda", "put_function_event_invoke_config", **properties)
    return Provisioned(logical_id)


def _config_exists(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> object:
    return context.found("lambda", "get_function_event_invoke_config", **_of(properties))


def _delete_config(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> None:
    context.found("lambda", "delete_function_event_invoke_config", **_of(properties))


def _of(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: properties.get(key) for key in ("FunctionName", "Qualifier")}


VERSION = Creator(_create_version, _version_exists, _delete_version)
ALIAS = Creator(_create_alias, _alias_exists, _delete_alias)
EVENT_INVOKE_CONFIG = Creator(_create_config, _config_exists, _delete_config)
