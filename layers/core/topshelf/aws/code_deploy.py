"""The word that CodeDeploy waits for in the middle of a deployment."""

from typing import Any

from topshelf.aws.failures import failures_of

__all__ = ["LifecycleHook"]


class LifecycleHook:
    """One moment of one deployment that asks for a word."""

    def __init__(self, client: Any, *, deployment: str, execution: str) -> None:
        """Builds it.

        Args:
            client: Of CodeDeploy.
            deployment: ``DeploymentId`` of the event that asks.
            execution: Its ``LifecycleEventHookExecutionId``.
        """
        self._client = client
        self._deployment = deployment
        self._execution = execution

    def report(self, *, passed: bool) -> None:
        """Lets the deployment go on, or has it taken back.

        Raises:
            UnavailableError: CodeDeploy did not hear it.
        """
        with failures_of("CodeDeploy"):
            self._client.put_lifecycle_event_hook_execution_status(
                deploymentId=self._deployment,
                lifecycleEventHookExecutionId=self._execution,
                status="Succeeded" if passed else "Failed",
            )
