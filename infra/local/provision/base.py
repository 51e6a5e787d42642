"""What creators of resources share."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from infra.local.translate import Translation
from topshelf.aws.clients import create_client
from topshelf.errors import TopshelfError

__all__ = ["Context", "Creator", "Provisioned", "code_of", "document", "tag_list"]

_NUMBERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
}


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A resource that exists.

    Attributes:
        physical_id: What Ref gives.
        attributes: What GetAtt gives.
    """

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Creator:
    """How one resource type comes to be.

    Attributes:
        create: Makes the resource, or brings an existing one up to date, from its logical id and
            its resolved properties.
        exists: Whether the resource is there, asked through its own service.
        delete: Removes it; one that is gone already is no error.
        remade: Whether it holds nothing, so that a change is a deletion and a creation: what the
            template no longer says of it is gone, too.
    """

    create: Callable[["Context", str, Mapping[str, Any]], Provisioned]
    exists: Callable[["Context", Provisioned, Mapping[str, Any]], object]
    delete: Callable[["Context", Provisioned, Mapping[str, Any]], None]
    remade: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Where resources are created.

    Attributes:
        stack_name: Name of the stack.
        region: AWS region.
        account_id: Account of the emulator.
        endpoint_url: The emulator.
        translation: The template, for the code behind functions and layers.
        plays_functions: Whether the emulator would call functions from event sources itself.
    """

    stack_name: str
    region: str
    account_id: str
    endpoint_url: str
    translation: Translation
    plays_functions: bool
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """The client of a service, one for each."""
        if service not in self._clients:
            self._clients[service] = create_client(
                service, region=self.region, endpoint_url=self.endpoint_url
            )
        return self._clients[service]

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Calls an operation, with parameters as a template has them.

        A template's numbers and booleans may be strings and the other way round, as with
        CloudFormation; the service's own model says what they have to be.

        Args:
            service: As botocore names it.
            operation: The client's method.
            parameters: None counts as absent.

        Raises:
            TopshelfError: The operation has no such parameter.
        """
        client = self.client(service)
        model = client.meta.service_model
        shape = model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        given = {name: value for name, value in parameters.items() if value is not None}
        return getattr(client, operation)(**_coerce(given, shape, operation))

    def found(self, service: str, operation: str, **parameters: Any) -> Any:
        """Calls an operation that asks for one thing.

        Returns:
            The answer; None where the service says that there is no such thing.
        """
        try:
            return self.call(service, operation, **parameters)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = error.response.get("Error", {}).get("Code", "")
            if status == 404 or any(
                word in code for word in ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")
            ):
                return None
            raise

    def name(self, logical_id: str, generation: str = "") -> str:
        """The name of a resource whose template gives none; the same one at each deployment.

        Args:
            logical_id: Its name in the template.
            generation: Sets it apart from one that it replaces.
        """
        digest = hashlib.sha256(f"{self.stack_name}/{logical_id}{generation}".encode()).hexdigest()
        return f"{self.stack_name}-{logical_id}-{digest[:12].upper()}"

    def arn(self, service: str, resource: str) -> str:
        """An ARN of the stack's region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


def document(value: Any) -> str:
    """A policy or the like, as the APIs take it."""
    return value if isinstance(value, str) else json.dumps(value)


def tag_list(properties: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The tags of a resource, None if it has none."""
    tags = properties.get("Tags")
    if isinstance(tags, Mapping):
        return [{"Key": key, "Value": str(value)} for key, value in tags.items()]
    return tags


def code_of(error: ClientError) -> str:
    """The error code of a service."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _coerce(value: Any, shape: Shape | None, path: str) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        unknown = sorted(value.keys() - shape.members.keys())
        if unknown:
            raise TopshelfError(f"the local cloud cannot play {path}.{', '.join(unknown)}")
        return {k: _coerce(v, shape.members[k], f"{path}.{k}") for k, v in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_coerce(item, shape.member, path) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {k: _coerce(v, shape.value, f"{path}.{k}") for k, v in value.items()}
    return _coerce_scalar(value, shape.type_name) if shape else value


def _coerce_scalar(value: Any, kind: str) -> Any:
    if isinstance(value, str):
        if kind == "boolean":
            return value.lower() == "true"
        return _NUMBERS[kind](value) if kind in _NUMBERS else value
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    return value
