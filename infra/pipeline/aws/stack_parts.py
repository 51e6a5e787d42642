"""What CloudFormation says of a stage's stack: how it is, and which parts a rollout moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from topshelf.aws.failures import failures_of

__all__ = ["Parts", "StackParts"]

_GONE = "DOES_NOT_EXIST"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a rollout moves.

    Attributes:
        groups: Application and deployment group of CodeDeploy, one pair a function.
        aliases: Function and alias, one pair a function.
    """

    groups: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StackParts:
    """A stack, asked about itself.

    Args:
        client: Of CloudFormation.
        stack: Name of the stack.
    """

    client: Any
    stack: str

    def status(self) -> str:
        """As CloudFormation calls it; ``DOES_NOT_EXIST`` before the first deployment.

        Raises:
            UnavailableError: CloudFormation does not answer.
        """
        found = self._describe()
        return str(found["StackStatus"]) if found else _GONE

    def parameters(self) -> Mapping[str, str]:
        """Values of the template's parameters; none where there is no stack."""
        found = self._describe() or {}
        given = found.get("Parameters", [])
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in given}

    def parts(self) -> Parts:
        """What a rollout moves; nothing where there is no stack.

        Raises:
            UnavailableError: CloudFormation does not answer.
        """
        if self._describe() is None:
            return Parts()
        with failures_of("CloudFormation"):
            pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.stack)
            ids: dict[str, list[str]] = {}
            for page in pages:
                for one in page["StackResourceSummaries"]:
                    if physical := one.get("PhysicalResourceId"):
                        ids.setdefault(one["ResourceType"], []).append(physical)
        applications = ids.get("AWS::CodeDeploy::Application", [])
        groups = ids.get("AWS::CodeDeploy::DeploymentGroup", [])
        # An alias is named by its ARN: arn:aws:lambda:<region>:<account>:function:<name>:<alias>
        arns = [arn.split(":") for arn in ids.get("AWS::Lambda::Alias", [])]
        return Parts(
            tuple((applications[0], group) for group in sorted(groups)) if applications else (),
            tuple(sorted((words[6], words[7]) for words in arns)),
        )

    def cancel_update(self) -> None:
        """Takes back an update that is under way.

        Raises:
            UnavailableError: CloudFormation does not answer, or refuses.
        """
        with failures_of("CloudFormation"):
            self.client.cancel_update_stack(StackName=self.stack)

    def _describe(self) -> dict[str, Any] | None:
        with failures_of("CloudFormation"):
            try:
                found: dict[str, Any] = self.client.describe_stacks(StackName=self.stack)["Stacks"][
                    0
                ]
            except ClientError as error:
                if "does not exist" in str(error):
                    return None
                raise
        return found
