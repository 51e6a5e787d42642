"""Notes what a process asks of AWS: a JSON line a call, with the resources that it names.

Off unless asked for. Bodies, items and other contents are not noted, names of resources alone.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["RECORD_CALLS", "names_in", "record_calls"]

RECORD_CALLS: Final = "TOPSHELF_RECORD_CALLS"
"""The environment variable that names the file, for the local cloud's workers."""

# Parameters that say which resource is meant, of any service.
_NAMES: Final = frozenset(
    {
        "Bucket",
        "DeliveryStreamName",
        "FunctionName",
        "ImportArn",
        "IndexName",
        "Key",
        "Prefix",
        "Qualifier",
        "QueueUrl",
        "RoleArn",
        "S3Bucket",
        "S3KeyPrefix",
        "SecretId",
        "TableName",
        "TopicArn",
        "VersionId",
        "deploymentId",
        "executionArn",
        "stateMachineArn",
    }
)
# Parameters whose keys are names of tables.
_BY_NAME: Final = frozenset({"RequestItems"})


def record_calls(path: Path, caller: str) -> Callable[[], None]:
    """Notes every call of every client of this process from now on.

    Args:
        path: Lines are added to it; several processes may share it.
        caller: Who calls: a function's name.

    Returns:
        What ends it.
    """
    # A worker that records nothing loads what its handler loads, and nothing before it.
    from botocore.client import BaseClient  # noqa: PLC0415

    # The one way that every operation of every client goes, paginators included; events of
    # botocore are a session's, and sessions are made where they are needed.
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def noted(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        # Before the answer: one that is refused needs the same permission.
        note = {
            "caller": caller,
            "service": client.meta.service_model.service_name,
            "operation": operation,
            "names": names_in(parameters),
        }
        _append(path, json.dumps(note, separators=(",", ":")) + "\n")
        return call(client, operation, parameters)

    def end() -> None:
        BaseClient._make_api_call = call  # type: ignore[attr-defined]  # noqa: SLF001

    BaseClient._make_api_call = noted  # type: ignore[attr-defined]  # noqa: SLF001
    return end


def names_in(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What of a call's parameters names resources; structures that hold names are kept as such."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in _BY_NAME:
            found[name] = sorted(value)
        elif name in _NAMES and isinstance(value, str):
            found[name] = value
        elif isinstance(value, Mapping) and (inside := names_in(value)):
            found[name] = inside
    return found


def _append(path: Path, line: str) -> None:
    # One write to a file opened for appending: lines of several processes never mix.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
