"""The services that a stack's resources are asked through."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

__all__ = ["Found", "Reader", "Services"]

_ABSENT: Final = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, as its own service describes it.

    Attributes:
        properties: By the template's name of each: the value, or a function that asks for it.
            Functions are called for those properties alone that the template has.
        attributes: What GetAtt gives.
        physical_id: What Ref gives, where that is not what CloudFormation calls it.
    """

    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    physical_id: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a resource of one type is looked up.

    Attributes:
        read: From the services, the physical id, and what the template says, resolved; None where
            the service knows no such resource.
        unread: Properties that no service gives back, each with the reason.
    """

    read: Callable[["Services", str, Mapping[str, Any]], Found | None]
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Services:
    """Clients of one account and region.

    Attributes:
        client: Makes the client of a service, by botocore's name of it.
        region: AWS region.
        account_id: The account.
    """

    client: Callable[[str], Any]
    region: str
    account_id: str
    _clients: dict[str, Any] = field(default_factory=dict)

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """Calls an operation.

        Returns:
            The answer; None where the service says that there is no such thing.
        """
        try:
            answer: dict[str, Any] = getattr(self._of(service), operation)(**parameters)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = error.response.get("Error", {}).get("Code", "")
            if status == 404 or any(word in code for word in _ABSENT):
                return None
            raise
        return answer

    def every(
        self, service: str, operation: str, items: str, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """The items of all pages of an operation.

        Args:
            service: As botocore names it.
            operation: One that botocore can page.
            items: The field that holds them.
            parameters: Of the operation.
        """
        for page in self._of(service).get_paginator(operation).paginate(**parameters):
            yield from page.get(items, [])

    def _of(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    def arn(self, service: str, resource: str) -> str:
        """An ARN of the account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"
