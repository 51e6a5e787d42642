"""Routes of an HTTP API, from its resources or its OpenAPI body, and which of them answers.

Reference: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from topshelf.errors import TopshelfError

__all__ = ["Route", "RouteTable", "declared_route", "routes_of"]

_ANY: Final = "x-amazon-apigateway-any-method"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", _ANY)
# A function's ARN, or the long form that SAM writes.
_FUNCTION: Final = re.compile(r"(?:^|/functions/)(arn:[^/]+:lambda:[^/]+)(?:/invocations)?$")
_JWT: Final = "the local cloud checks no tokens (JWT); `make test-stack` deploys with them"


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Attributes:
        method: In capitals; ``ANY`` for every one.
        path: With its parameters in braces; ``/$default`` for every path without a route.
        integration_uri: What answers.
        iam: Whether the request must be signed.
    """

    method: str
    path: str
    integration_uri: str
    iam: bool

    @property
    def key(self) -> str:
        """The route as API Gateway writes it, ``GET /v1/health``."""
        return "$default" if self.path == "/$default" else f"{self.method} {self.path}"

    @property
    def function(self) -> str:
        """The ARN of the function that answers.

        Raises:
            TopshelfError: Something else answers.
        """
        match = _FUNCTION.search(self.integration_uri)
        if match is None:
            raise TopshelfError(f"route {self.key}: only functions answer in the local cloud")
        return match[1]


def routes_of(body: Mapping[str, Any]) -> Iterator[Route]:
    """The routes of an OpenAPI document.

    Raises:
        TopshelfError: A route asks for what the local cloud does not play.
    """
    schemes = body.get("components", {}).get("securitySchemes", {})
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            if method not in _METHODS:
                continue
            integration = operation.get(_INTEGRATION, {})
            name = "ANY" if method == _ANY else method.upper()
            if integration.get("type", "").lower() != "aws_proxy":
                raise TopshelfError(f"route {name} {path}: only functions answer here")
            if str(integration.get("payloadFormatVersion")) != "2.0":
                raise TopshelfError(f"route {name} {path}: only payload format 2.0 is played")
            security = operation.get("security", body.get("security", []))
            iam = _signed(security, schemes, f"{name} {path}")
            yield Route(name, path, integration["uri"], iam)


def declared_route(
    route: Mapping[str, Any], integrations: Mapping[str, Mapping[str, Any]]
) -> Route:
    """The route that a resource of its own declares.

    Args:
        route: Properties of an ``AWS::ApiGatewayV2::Route``.
        integrations: Those of each ``AWS::ApiGatewayV2::Integration``, by its id.

    Raises:
        TopshelfError: It asks for what the local cloud does not play.
    """
    key = str(route["RouteKey"])
    integration = integrations.get(str(route.get("Target", "")).removeprefix("integrations/"), {})
    if integration.get("IntegrationType") != "AWS_PROXY":
        raise TopshelfError(f"route {key}: only functions answer here")
    if str(integration.get("PayloadFormatVersion")) != "2.0":
        raise TopshelfError(f"route {key}: only payload format 2.0 is played")
    authorization = route.get("AuthorizationType", "NONE")
    if authorization not in ("AWS_IAM", "NONE"):
        detail = _JWT if authorization == "JWT" else f"it cannot play {authorization}"
        raise TopshelfError(f"route {key}: {detail}")
    method, _, path = ("ANY", "", "/$default") if key == "$default" else key.partition(" ")
    return Route(method, path, integration["IntegrationUri"], authorization == "AWS_IAM")


def _signed(security: Sequence[Mapping[str, Any]], schemes: Mapping[str, Any], key: str) -> bool:
    # SAM writes an authorizer that is switched off as the scheme NONE.
    names = {name for entry in security for name in entry} - {"NONE"}
    for scheme in sorted(names):
        kind = schemes.get(scheme, {}).get("x-amazon-apigateway-authtype", "")
        if scheme != "AWS_IAM" and kind.lower() != "awssigv4":
            raise TopshelfError(f"route {key}: the local cloud cannot play the authorizer {scheme}")
    return bool(names)


class RouteTable:
    """Finds routes: a literal segment beats a parameter, which beats a greedy one.

    Args:
        routes: In any order.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        every = sorted(routes, key=_rank)
        self._patterns = [(route, _pattern(route.path)) for route in every]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a request and its path parameters.

        Args:
            method: In capitals.
            path: Decoded.
        """
        for route, pattern in self._patterns:
            if route.method in (method, "ANY"):
                found = pattern.fullmatch(path)
                if found is not None:
                    names = _parameters(route.path)
                    return route, dict(zip(names, found.groups(), strict=True))
        return None


def _rank(route: Route) -> tuple[object, ...]:
    if route.path == "/$default":
        return (1,)
    kinds = (2 if s.endswith("+}") else s.startswith("{") + 0 for s in route.path.split("/"))
    return (0, tuple(kinds), route.method == "ANY", route.path)


def _parameters(path: str) -> list[str]:
    segments = path.split("/")
    return [s[1:-1].rstrip("+") for s in segments if s.startswith("{") and s.endswith("}")]


def _pattern(path: str) -> re.Pattern[str]:
    if path == "/$default":
        return re.compile(r".*", re.DOTALL)
    parts = (
        "(.+)" if s.endswith("+}") else "([^/]+)" if s.startswith("{") else re.escape(s)
        for s in path.split("/")
    )
    return re.compile("/".join(parts), re.DOTALL)
