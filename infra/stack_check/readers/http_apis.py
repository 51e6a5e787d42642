"""HTTP APIs: the API, its stages, integrations, routes and authorizers."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["API", "AUTHORIZER", "INTEGRATION", "ROUTE", "STAGE"]

_SERVICE: Final = "apigatewayv2"


def _api(services: Services, api_id: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask(_SERVICE, "get_api", ApiId=api_id)
    if answer is None:
        return None
    endpoint = f"https://{api_id}.execute-api.{services.region}.amazonaws.com"
    return Found(_as_said(said, answer), {"ApiId": api_id, "ApiEndpoint": endpoint})


def _stage(services: Services, name: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask(_SERVICE, "get_stage", ApiId=said["ApiId"], StageName=name)
    return None if answer is None else Found(_as_said(said, answer))


def _integration(services: Services, identifier: str, said: Mapping[str, Any]) -> Found | None:
    own = _own_id(identifier)
    answer = services.ask(_SERVICE, "get_integration", ApiId=said["ApiId"], IntegrationId=own)
    return None if answer is None else Found(_as_said(said, answer), physical_id=own)


def _route(services: Services, identifier: str, said: Mapping[str, Any]) -> Found | None:
    own = _own_id(identifier)
    answer = services.ask(_SERVICE, "get_route", ApiId=said["ApiId"], RouteId=own)
    return None if answer is None else Found(_as_said(said, answer), physical_id=own)


def _authorizer(services: Services, identifier: str, said: Mapping[str, Any]) -> Found | None:
    own = _own_id(identifier)
    answer = services.ask(_SERVICE, "get_authorizer", ApiId=said["ApiId"], AuthorizerId=own)
    return None if answer is None else Found(_as_said(said, answer), physical_id=own)


def _as_said(said: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer has the template's names, but for the API that its parts were asked of."""
    return {name: said[name] if name == "ApiId" else answer.get(name) for name in said}


def _own_id(identifier: str) -> str:
    """Some emulators put the API's id, and a slash or a bar, before a part's own."""
    return identifier.replace("|", "/").rsplit("/", 1)[-1]


API: Final = Reader(_api)
AUTHORIZER: Final = Reader(_authorizer)
INTEGRATION: Final = Reader(_integration)
ROUTE: Final = Reader(_route)
STAGE: Final = Reader(_stage)
