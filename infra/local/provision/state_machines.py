"""State machines."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.local.provision.base import Context, Creator, Provisioned, code_of, document

__all__ = ["STATE_MACHINE", "lower_names"]

_NAMES = {
    "LoggingConfiguration": "loggingConfiguration",
    "RoleArn": "roleArn",
    "StateMachineType": "type",
    "TracingConfiguration": "tracingConfiguration",
}


def _create(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    name = properties.get("StateMachineName") or context.name(logical_id)
    given = {
        ours: lower_names(properties[said]) for said, ours in _NAMES.items() if said in properties
    }
    given["definition"] = document(properties["Definition"])
    arn = context.arn("states", f"stateMachine:{name}")
    if _found(context, arn):
        given.pop("type", None)
        context.call("stepfunctions", "update_state_machine", stateMachineArn=arn, **given)
    else:
        arn = context.call("stepfunctions", "create_state_machine", name=name, **given)[
            "stateMachineArn"
        ]
    return Provisioned(arn, {"Arn": arn, "Name": name})


def lower_names(value: Any) -> Any:
    """Names as the services' own APIs write them, with a small first letter."""
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: lower_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_names(item) for item in value]
    return value


def _found(context: Context, arn: str) -> object:
    try:
        return context.call("stepfunctions", "describe_state_machine", stateMachineArn=arn)
    except ClientError as error:
        # A 400, unlike those of other services.
        if code_of(error) != "StateMachineDoesNotExist":
            raise
        return None


def _exists(context: Context, machine: Provisioned, _: Mapping[str, Any]) -> object:
    return _found(context, machine.physical_id)


def _delete(context: Context, machine: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("stepfunctions", "delete_state_machine", stateMachineArn=machine.physical_id)


STATE_MACHINE = Creator(_create, _exists, _delete)
