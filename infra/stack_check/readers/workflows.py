"""What runs by itself: state machines, schedules, alarms, gradual deployments."""

import re
from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["ALARM", "DEPLOYMENT_APPLICATION", "DEPLOYMENT_GROUP", "SCHEDULE", "STATE_MACHINE"]

_SUBSTITUTION: Final = re.compile(r"\$\{([^!}][^}]*)\}")


def _state_machine(services: Services, arn: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("stepfunctions", "describe_state_machine", stateMachineArn=arn)
    if answer is None:
        return None
    logging = answer.get("loggingConfiguration", {})
    destinations = [
        {"CloudWatchLogsLogGroup": {"LogGroupArn": d["cloudWatchLogsLogGroup"]["logGroupArn"]}}
        for d in logging.get("destinations", [])
    ]
    encryption = answer.get("encryptionConfiguration", {})
    definition = answer["definition"]
    return Found(
        {
            "Definition": definition,
            "DefinitionString": _unsubstituted(definition, said),
            "DefinitionSubstitutions": said.get("DefinitionSubstitutions"),
            "EncryptionConfiguration": {
                "Type": encryption.get("type"),
                "KmsKeyId": encryption.get("kmsKeyId"),
            },
            "LoggingConfiguration": {
                "Level": logging.get("level"),
                "IncludeExecutionData": logging.get("includeExecutionData"),
                "Destinations": destinations,
            },
            "RoleArn": answer["roleArn"],
            "StateMachineName": answer["name"],
            "StateMachineType": answer["type"],
            "TracingConfiguration": {
                "Enabled": answer.get("tracingConfiguration", {}).get("enabled", False)
            },
            "Tags": lambda: _lower_tags(
                services.ask("stepfunctions", "list_tags_for_resource", resourceArn=arn)
            ),
        },
        {"Arn": arn, "Name": answer["name"]},
    )


def _unsubstituted(definition: str, said: Mapping[str, Any]) -> str:
    """The service's definition if it is the template's with its substitutions made.

    Returns:
        The template's own text where they agree, so that it compares equal.
    """
    values = said.get("DefinitionSubstitutions", {})
    text = str(said.get("DefinitionString", ""))
    filled = _SUBSTITUTION.sub(lambda match: str(values.get(match[1], match[0])), text)
    return text if filled == definition else definition


def _lower_tags(answer: Mapping[str, Any] | None) -> list[dict[str, str]]:
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in (answer or {}).get("tags", [])]


def _schedule(services: Services, name: str, said: Mapping[str, Any]) -> Found | None:
    group = said.get("GroupName", "default")
    # What CloudFormation calls the schedule may have its group before it.
    own = name.rsplit("/", 1)[-1]
    answer = services.ask("scheduler", "get_schedule", Name=own, GroupName=group)
    if answer is None:
        return None
    return Found({key: answer.get(key) for key in said}, {"Arn": answer["Arn"]}, own)


def _alarm(services: Services, name: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("cloudwatch", "describe_alarms", AlarmNames=[name]) or {}
    found = next(iter(answer.get("MetricAlarms", [])), None)
    if found is None:
        return None
    return Found({key: found.get(key) for key in said}, {"Arn": found["AlarmArn"]})


def _application(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("codedeploy", "get_application", applicationName=name)
    if answer is None:
        return None
    return Found({"ComputePlatform": answer["application"].get("computePlatform")})


def _group(services: Services, name: str, said: Mapping[str, Any]) -> Found | None:
    application = said["ApplicationName"]
    answer = services.ask(
        "codedeploy",
        "get_deployment_group",
        applicationName=application,
        deploymentGroupName=name,
    )
    if answer is None:
        return None
    group = answer["deploymentGroupInfo"]
    alarms = group.get("alarmConfiguration", {})
    rollback = group.get("autoRollbackConfiguration", {})
    style = group.get("deploymentStyle", {})
    return Found(
        {
            "AlarmConfiguration": {
                "Enabled": alarms.get("enabled"),
                "Alarms": [{"Name": each["name"]} for each in alarms.get("alarms", [])],
            },
            "ApplicationName": application,
            "AutoRollbackConfiguration": {
                "Enabled": rollback.get("enabled"),
                "Events": rollback.get("events", []),
            },
            "DeploymentConfigName": group.get("deploymentConfigName"),
            "DeploymentStyle": {
                "DeploymentType": style.get("deploymentType"),
                "DeploymentOption": style.get("deploymentOption"),
            },
            "ServiceRoleArn": group.get("serviceRoleArn"),
        }
    )


ALARM: Final = Reader(_alarm)
DEPLOYMENT_APPLICATION: Final = Reader(_application)
DEPLOYMENT_GROUP: Final = Reader(_group)
SCHEDULE: Final = Reader(_schedule)
STATE_MACHINE: Final = Reader(_state_machine)
