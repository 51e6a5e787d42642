"""Lambda layers, functions, versions, aliases, and how they may be called."""

import json
from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.differences import differences_in
from infra.stack_check.services import Found, Reader, Services

__all__ = ["ALIAS", "FUNCTION", "INVOKE_CONFIG", "LAYER", "MAPPING", "PERMISSION", "VERSION"]

_PLACE: Final = "where the code lay when it was deployed; Lambda keeps its digest alone"


def _function(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("lambda", "get_function", FunctionName=name)
    if answer is None:
        return None
    said = answer["Configuration"]

    def concurrency() -> int | None:
        found = services.ask("lambda", "get_function_concurrency", FunctionName=name) or {}
        reserved: int | None = found.get("ReservedConcurrentExecutions")
        return reserved

    return Found(
        {
            "Architectures": said.get("Architectures"),
            "Description": said.get("Description"),
            "Environment": said.get("Environment", {}),
            "EphemeralStorage": said.get("EphemeralStorage"),
            "FunctionName": said["FunctionName"],
            "Handler": said["Handler"],
            "KmsKeyArn": said.get("KMSKeyArn"),
            "Layers": [layer["Arn"] for layer in said.get("Layers", [])],
            "LoggingConfig": said.get("LoggingConfig", {}),
            "MemorySize": said["MemorySize"],
            "PackageType": said.get("PackageType"),
            "ReservedConcurrentExecutions": concurrency,
            "Role": said["Role"],
            "Runtime": said["Runtime"],
            "SnapStart": said.get("SnapStart", {}),
            "Tags": _tags(answer.get("Tags", {})),
            "Timeout": said["Timeout"],
            "TracingConfig": said.get("TracingConfig", {}),
        },
        {"Arn": said["FunctionArn"]},
    )


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _layer(services: Services, arn: str, _: Mapping[str, Any]) -> Found | None:
    name, version = arn.rsplit(":", 1)
    answer = services.ask("lambda", "get_layer_version", LayerName=name, VersionNumber=int(version))
    if answer is None:
        return None
    return Found(
        {
            "CompatibleArchitectures": answer.get("CompatibleArchitectures", []),
            "CompatibleRuntimes": answer.get("CompatibleRuntimes", []),
            "Description": answer.get("Description"),
            "LayerName": answer["LayerArn"].rsplit(":", 1)[-1],
            "LicenseInfo": answer.get("LicenseInfo"),
        },
        {"LayerVersionArn": answer["LayerVersionArn"]},
    )


def _version(services: Services, arn: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("lambda", "get_function_configuration", FunctionName=arn)
    if answer is None:
        return None
    properties = {"FunctionName": answer["FunctionName"], "Description": answer.get("Description")}
    return Found(properties, {"Version": answer["Version"], "FunctionArn": arn})


def _alias(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    function, name = said["FunctionName"], said["Name"]
    answer = services.ask("lambda", "get_alias", FunctionName=function, Name=name)
    if answer is None:
        return None
    return Found(
        {
            "Description": answer.get("Description"),
            "FunctionName": function,
            "FunctionVersion": answer["FunctionVersion"],
            "Name": answer["Name"],
            "RoutingConfig": answer.get("RoutingConfig", {}),
        },
        {"AliasArn": answer["AliasArn"]},
    )


def _invoke_config(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask(
        "lambda",
        "get_function_event_invoke_config",
        FunctionName=said["FunctionName"],
        Qualifier=said["Qualifier"],
    )
    if answer is None:
        return None
    return Found({**said, "MaximumRetryAttempts": None, "MaximumEventAgeInSeconds": None, **answer})


def _permission(services: Services, statement: str, said: Mapping[str, Any]) -> Found | None:
    function = said["FunctionName"]
    answer = services.ask("lambda", "get_policy", FunctionName=function)
    if answer is None:
        return None
    statements = [
        (each.get("Sid"), _granted(function, each))
        for each in json.loads(answer["Policy"])["Statement"]
    ]
    own = next((found for sid, found in statements if sid == statement), None)
    # Deployers choose the statement's name: what it says counts.
    alike = (found for _, found in statements if not list(differences_in("", said, found)))
    found = own or next(alike, None)
    return None if found is None else Found(found)


def _granted(function: str, statement: Mapping[str, Any]) -> dict[str, Any]:
    principal, condition = statement["Principal"], statement.get("Condition", {})
    source = condition.get("ArnLike", {}) | condition.get("ArnEquals", {})
    return {
        "Action": statement["Action"],
        "FunctionName": function,
        "Principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
        "SourceAccount": condition.get("StringEquals", {}).get("AWS:SourceAccount"),
        "SourceArn": source.get("AWS:SourceArn", source.get("aws:SourceArn")),
    }


def _mapping(services: Services, uuid: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("lambda", "get_event_source_mapping", UUID=uuid)
    if answer is None:
        return None
    properties = {name: answer.get(name) for name in said}
    # Lambda answers with the function's ARN, whatever it was told.
    told = str(said["FunctionName"])
    if answer.get("FunctionArn", "").endswith(f":{told}") or answer.get("FunctionArn") == told:
        properties["FunctionName"] = told
    properties["Enabled"] = answer.get("State") in {"Creating", "Enabled", "Enabling", "Updating"}
    return Found(properties, {"Id": uuid})


ALIAS: Final = Reader(
    _alias,
    {"ProvisionedConcurrencyConfig": "read through an API of its own; none is provisioned"},
)
FUNCTION: Final = Reader(_function, {"Code": _PLACE})
INVOKE_CONFIG: Final = Reader(_invoke_config)
LAYER: Final = Reader(_layer, {"Content": _PLACE})
MAPPING: Final = Reader(_mapping)
PERMISSION: Final = Reader(_permission)
VERSION: Final = Reader(_version)
