"""Functions of the template as the local cloud runs them: what they are and what they see."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from localstack_client.session import Session

from infra.grants.recorder import RECORD_CALLS
from infra.local.deploy import Deployment, Resource
from infra.local.functions import Function
from infra.local.logs import Logs
from infra.local.process import Process
from infra.local.translate import Translation
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["functions_of", "spawner", "worker_environment"]

# What a Python process needs of the machine; nothing of the user's AWS setup is among it.
_PASSED_ON: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONHASHSEED",
    RECORD_CALLS,
)
_PASSED_ON_PREFIXES: Final = ("COVERAGE_", "COV_CORE_")


def functions_of(
    deployment: Deployment, translation: Translation, concurrency: int
) -> list[Function]:
    """The functions of a deployment.

    Args:
        deployment: The stack.
        translation: Knows where their code is.
        concurrency: Most workers of one function at once.

    Raises:
        TopshelfError: A function has another runtime than this Python.
    """
    return [
        _function(resource, deployment, translation, concurrency)
        for resource in deployment.of_type("AWS::Lambda::Function")
    ]


def _function(
    resource: Resource, deployment: Deployment, translation: Translation, concurrency: int
) -> Function:
    properties = resource.properties
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if properties.get("Runtime") != own:
        raise TopshelfError(
            f"{resource.logical_id} wants {properties.get('Runtime')}, this is {own}"
        )
    name = resource.physical_id
    reserved = int(properties.get("ReservedConcurrentExecutions", concurrency))
    return Function(
        name=name,
        arn=resource.attributes["Arn"],
        directory=translation.directory(properties["Code"]),
        handler=properties["Handler"],
        environment=_variables(properties.get("Environment", {}).get("Variables", {})),
        timeout=float(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        log_group=_log_group(properties, name, deployment),
        concurrency=max(1, min(concurrency, reserved)),
    )


def _log_group(properties: Mapping[str, Any], name: str, deployment: Deployment) -> str:
    group = properties.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
    if not any(r.physical_id == group for r in deployment.of_type("AWS::Logs::LogGroup")):
        raise TopshelfError(f"{name} writes to the log group {group}, which is not in the template")
    return str(group)


def _variables(variables: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in variables.items()
    }


def worker_environment(
    function: Function, *, region: str, endpoint_url: str, lambda_url: str
) -> dict[str, str]:
    """The whole environment of a function's worker.

    Args:
        function: The function.
        region: AWS region.
        endpoint_url: The emulator.
        lambda_url: Where functions are invoked.
    """
    credentials = Session().get_credentials()
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return {
        **passed_on,
        # Where this package is; the layer's is installed beside it.
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "TZ": ":UTC",
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_url,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
        "LAMBDA_TASK_ROOT": str(function.directory),
        "_HANDLER": function.handler,
        **function.environment,
    }


def spawner(
    logs: Logs, *, region: str, endpoint_url: str, lambda_url: str
) -> Callable[[Function], Process]:
    """Starts workers whose output goes to the logs.

    What it gives raises UnavailableError where the logs cannot be written.
    """

    def spawn(function: Function) -> Process:
        environment = worker_environment(
            function, region=region, endpoint_url=endpoint_url, lambda_url=lambda_url
        )
        process = Process(function.directory, function.handler, environment)
        try:
            logs.follow(function.name, function.log_group, process.output)
        except UnavailableError:
            process.release()
            os.close(process.output)
            raise
        return process

    return spawn
