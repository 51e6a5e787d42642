"""Who asks, as the API's authorizer says it, and what that caller may do.

API Gateway checks signatures and tokens before a function runs, and hands on what it found in
``requestContext.authorizer`` of the event (payload format 2.0):
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

- ``jwt``: a viewer's token reaches what is that viewer's, by its ``sub``; a token with the admin
  scope reaches everything; a request without a token's claims reaches nothing.
- ``iam``: whoever signs is a service of the platform, and may do everything.
- ``none``: the same, for everybody.

A route is open to every known caller unless it says more, in one line:
``dependencies=[Depends(callers.admin_only)]``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request

from topshelf.errors import ForbiddenError, UnauthenticatedError
from topshelf.events import Interaction, Refusal
from topshelf.web.problems import described

__all__ = ["FORBIDDEN", "Authorizer", "Caller", "Callers"]

Authorizer = Literal["iam", "jwt", "none"]

FORBIDDEN = described({403: "The caller's token does not reach this"})
"""For ``responses`` of a route that is not open to every token."""

_NOT_YOURS = "this is not the viewer whose token was sent"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        subject: ``sub`` of the token; empty where nobody is told apart.
        is_admin: Whether everything is open.
    """

    subject: str
    is_admin: bool

    def may_act_for(self, user_id: str) -> bool:
        """Whether a viewer's data is open: compared as it is, without any normalisation."""
        return self.is_admin or self.subject == user_id

    def refusal_of(self, event: Interaction) -> Refusal | None:
        """Why an event is not this caller's to send; None where it is.

        An event before sign-in names a session and no viewer, and everybody known may send it: who
        knows a session's id is taken for that session, so clients make ids that nobody guesses.
        """
        if event.user_id is None or self.may_act_for(event.user_id):
            return None
        return Refusal("user_id", _NOT_YOURS)


_ANYBODY = Caller("", is_admin=True)


class Callers:
    """Tells callers apart. Its rules are dependencies of routes; ``known`` holds for each."""

    def __init__(self, authorizer: Authorizer, admin_scope: str) -> None:
        """Builds it.

        Args:
            authorizer: Which one the API has.
            admin_scope: Scope of tokens that may do everything.
        """
        self._authorizer = authorizer
        self._admin_scope = admin_scope

    def of(self, request: Request) -> Caller:
        """The caller of a request.

        Raises:
            UnauthenticatedError: The authorizer is ``jwt``, and the event has no token's claims,
                or they name nobody.
        """
        if self._authorizer in ("iam", "none"):
            return _ANYBODY
        context = request.scope.get("aws.event", {}).get("requestContext", {})
        token = _mapping(_mapping(context.get("authorizer")).get("jwt"))
        claims = _mapping(token.get("claims"))
        is_admin = self._admin_scope in _scopes(token, claims)
        subject = claims.get("sub")
        if isinstance(subject, str) and subject:
            return Caller(subject, is_admin)
        if is_admin:
            return Caller("", is_admin)
        raise UnauthenticatedError("send a bearer token whose sub is the viewer's id")

    # Coroutines: what is none would be run in another thread.
    async def known(self, request: Request) -> None:
        """Refuses whom nobody vouches for."""
        self.of(request)

    async def own_viewer_only(self, request: Request) -> None:
        """Refuses a viewer's token on another viewer's ``user_id`` in the path."""
        if not self.of(request).may_act_for(request.path_params["user_id"]):
            raise ForbiddenError(_NOT_YOURS, field="user_id")

    async def admin_only(self, request: Request) -> None:
        """Refuses tokens without the admin scope."""
        if not self.of(request).is_admin:
            raise ForbiddenError(f"this asks for a token with the scope {self._admin_scope}")


def _scopes(token: Mapping[str, Any], claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes of a token: as the authorizer read them, else from the claims themselves.

    Issuers write them as ``scope`` (RFC 8693) or ``scp``, as text or as a list, which API Gateway
    turns into the text ``[one two]``.
    """
    for said in (token.get("scopes"), claims.get("scope"), claims.get("scp")):
        if isinstance(said, list):
            return frozenset(each for each in said if isinstance(each, str))
        if isinstance(said, str):
            is_list = said.startswith("[") and said.endswith("]")
            return frozenset((said[1:-1] if is_list else said).split())
    return frozenset()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
