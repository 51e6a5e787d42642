"""AWS Batch and EMR Serverless: where the training job runs."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["COMPUTE", "DEFINITION", "QUEUE", "SPARK"]


def _compute(services: Services, arn: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("batch", "describe_compute_environments", computeEnvironments=[arn])
    found = next(iter((answer or {}).get("computeEnvironments", [])), None)
    if found is None:
        return None
    properties = _as_template(found)
    return Found(properties, {"ComputeEnvironmentArn": found["computeEnvironmentArn"]})


def _queue(services: Services, arn: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("batch", "describe_job_queues", jobQueues=[arn])
    found = next(iter((answer or {}).get("jobQueues", [])), None)
    if found is None:
        return None
    return Found(_as_template(found), {"JobQueueArn": found["jobQueueArn"]})


def _definition(services: Services, arn: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("batch", "describe_job_definitions", jobDefinitions=[arn])
    found = next(iter((answer or {}).get("jobDefinitions", [])), None)
    return None if found is None else Found(_as_template(found))


def _spark(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("emr-serverless", "get_application", applicationId=name)
    if answer is None:
        return None
    found = answer["application"]
    # The template's way of writing it is an enumeration's, the service's a name.
    return Found({**_as_template(found), "Type": found["type"].upper()}, {"Arn": found["arn"]})


def _as_template(value: Any) -> Any:
    """Batch's names, which are the template's but for the first letter."""
    if isinstance(value, Mapping):
        return {_capital(name): _as_template(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_template(item) for item in value]
    return value


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


COMPUTE: Final = Reader(
    _compute,
    {"ReplaceComputeEnvironment": "tells CloudFormation how to change it; Batch never hears of it"},
)
DEFINITION: Final = Reader(_definition)
QUEUE: Final = Reader(_queue)
SPARK: Final = Reader(_spark)
