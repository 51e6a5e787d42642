"""CodeDeploy's deployments of Lambda functions: which run, how far they are, and their end.

Reference: https://docs.aws.amazon.com/codedeploy/latest/APIReference/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from topshelf.aws.failures import failures_of

__all__ = ["Deployments", "Running"]

_UNDER_WAY: Final = ["Created", "Queued", "InProgress", "Baking", "Ready"]


@dataclass(frozen=True, slots=True)
class Running:
    """A deployment that is under way.

    Attributes:
        deployment_id: CodeDeploy's name for it.
        status: As CodeDeploy calls it.
        function: Whose traffic it shifts; empty until that is known.
        weight: Percent of the requests that the new version gets.
    """

    deployment_id: str
    status: str
    function: str
    weight: float


@dataclass(frozen=True, slots=True)
class Deployments:
    """The deployments of a stage.

    Args:
        client: Of CodeDeploy.
        groups: Application and deployment group, one pair a function.
    """

    client: Any
    groups: Sequence[tuple[str, str]]

    def running(self) -> list[Running]:
        """Those that are under way, in the order of the groups.

        Raises:
            UnavailableError: CodeDeploy does not answer.
        """
        with failures_of("CodeDeploy"):
            return [self._look(found) for group in self.groups for found in self._ids(*group)]

    def alarms(self) -> list[str]:
        """Names of the alarms by which CodeDeploy takes a deployment back, each once.

        Raises:
            UnavailableError: CodeDeploy does not answer.
        """
        names: dict[str, None] = {}
        with failures_of("CodeDeploy"):
            for application, group in self.groups:
                info = self.client.get_deployment_group(
                    applicationName=application, deploymentGroupName=group
                )["deploymentGroupInfo"]
                for alarm in info.get("alarmConfiguration", {}).get("alarms", []):
                    names[alarm["name"]] = None
        return list(names)

    def stop(self, deployment_id: str) -> None:
        """Ends one before its time; the version before takes all requests again.

        Raises:
            UnavailableError: CodeDeploy does not answer.
        """
        with failures_of("CodeDeploy"):
            self.client.stop_deployment(deploymentId=deployment_id, autoRollbackEnabled=True)

    def _ids(self, application: str, group: str) -> Iterator[str]:
        pages = self.client.get_paginator("list_deployments").paginate(
            applicationName=application,
            deploymentGroupName=group,
            includeOnlyStatuses=_UNDER_WAY,
        )
        for page in pages:
            yield from page["deployments"]

    def _look(self, deployment_id: str) -> Running:
        info = self.client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        targets = self.client.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        function, weight = "", 0.0
        if targets:
            found = self.client.batch_get_deployment_targets(
                deploymentId=deployment_id, targetIds=targets
            )["deploymentTargets"]
            for target in found:
                told = target.get("lambdaTarget", {}).get("lambdaFunctionInfo", {})
                function = told.get("functionName", function)
                weight = max(weight, float(told.get("targetVersionWeight", 0.0)))
        return Running(deployment_id, info["status"], function, weight)
