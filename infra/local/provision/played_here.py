"""Resources that an emulator may do without, because the local cloud plays them itself."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.local.provision.base import Context, Creator, Provisioned

__all__ = ["or_played_here"]

_PREFIX: Final = "played-here-"
_NOT_IMPLEMENTED: Final = 501


def or_played_here(creator: Creator) -> Creator:
    """A creator whose resource is noted alone where the emulator does not offer its service.

    LocalStack's free edition answers 501 to API Gateway's second version. Whoever resolves the
    template still needs ids, and the gateway reads routes and integrations from the deployment.

    Args:
        creator: Of the resource, where the emulator offers it.
    """

    def create(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
        try:
            return creator.create(context, logical_id, properties)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status != _NOT_IMPLEMENTED:
                raise
        name = f"{_PREFIX}{logical_id}"
        endpoint = f"https://{name}.execute-api.{context.region}.amazonaws.com"
        return Provisioned(name, {"ApiId": name, "ApiEndpoint": endpoint})

    def exists(context: Context, made: Provisioned, properties: Mapping[str, Any]) -> object:
        noted = made.physical_id.startswith(_PREFIX)
        return noted or creator.exists(context, made, properties)

    def delete(context: Context, made: Provisioned, properties: Mapping[str, Any]) -> None:
        if not made.physical_id.startswith(_PREFIX):
            creator.delete(context, made, properties)

    return Creator(create, exists, delete, remade=creator.remade)
