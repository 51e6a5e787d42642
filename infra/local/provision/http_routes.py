"""What an HTTP API is made of: its routes, integrations and authorizers."""

from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned

__all__ = ["AUTHORIZER", "INTEGRATION", "ROUTE"]


def _part(kind: str) -> Creator:
    """How one kind of part comes to be; API Gateway names it, and it holds nothing.

    Args:
        kind: ``authorizer``, ``integration`` or ``route``.
    """
    name = f"{kind.capitalize()}Id"

    def create(context: Context, _logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
        answer = context.call("apigatewayv2", f"create_{kind}", **properties)
        return Provisioned(answer[name], {name: answer[name]})

    def exists(context: Context, part: Provisioned, properties: Mapping[str, Any]) -> object:
        which = {"ApiId": properties["ApiId"], name: part.physical_id}
        return context.found("apigatewayv2", f"get_{kind}", **which)

    def delete(context: Context, part: Provisioned, properties: Mapping[str, Any]) -> None:
        which = {"ApiId": properties["ApiId"], name: part.physical_id}
        context.found("apigatewayv2", f"delete_{kind}", **which)

    return Creator(create, exists, delete, remade=True)


AUTHORIZER = _part("authorizer")
INTEGRATION = _part("integration")
ROUTE = _part("route")
