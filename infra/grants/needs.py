"""A permission that somebody needs: what calls, services and state machines come to in IAM."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from infra.local.deploy import Resource

__all__ = ["NO_CONTEXT", "Need", "Needed", "Place", "Rule", "arn_of"]

NO_CONTEXT: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that is needed.

    Attributes:
        action: As IAM names it, ``s3:GetObject``.
        resource: ARN; with a star, all that it stands for is needed.
        why: For people, with a verb: ``Lambda writes the function's log``.
        context: Values of condition keys with which IAM would see the request.
    """

    action: str
    resource: str
    why: str
    context: Mapping[str, str] = field(default=NO_CONTEXT, hash=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stack is.

    Attributes:
        region: AWS region.
        account_id: AWS account.
        stack_name: The stack's.
        partition: Of AWS.
    """

    region: str
    account_id: str
    stack_name: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of the stack's region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


Needed = tuple[str, Need]
"""A role's ARN, and what is done with the role."""

Rule = Callable[[Resource, Sequence[Resource], Place], Iterator[Needed]]
"""What follows from a resource, in its stack, in its place."""


def arn_of(resource: Resource) -> str:
    """The ARN of a resource that has one among its attributes."""
    return str(resource.attributes["Arn"])
