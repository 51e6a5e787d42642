"""Cross-origin requests, answered as an HTTP API answers them by its CorsConfiguration.

Reference: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.http_event import Answer, Request

__all__ = ["Cors"]


@dataclass(frozen=True, slots=True)
class Cors:
    """Who may call from a page of another origin, and with what.

    Attributes:
        origins: Allowed ones; ``*`` is every one.
        methods: Allowed methods.
        headers: Headers that a request may carry.
        exposed: Headers of an answer that the page may read.
        max_age: Seconds that a browser remembers the answer to its question; None says nothing.
        credentials: Whether cookies and the like may come along.
    """

    origins: Sequence[str] = ()
    methods: Sequence[str] = ()
    headers: Sequence[str] = ()
    exposed: Sequence[str] = ()
    max_age: int | None = None
    credentials: bool = False

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Cors":
        """From an API's ``CorsConfiguration``; of an empty one, nobody may."""
        age = properties.get("MaxAge")
        return cls(
            origins=properties.get("AllowOrigins", ()),
            methods=properties.get("AllowMethods", ()),
            headers=properties.get("AllowHeaders", ()),
            exposed=properties.get("ExposeHeaders", ()),
            max_age=None if age is None else int(age),
            credentials=str(properties.get("AllowCredentials", False)).lower() == "true",
        )

    def preflight(self, request: Request) -> Answer | None:
        """The answer to a browser's question whether it may ask; None if this is no such question.

        API Gateway answers it itself, whatever the authorizer: with what is allowed where the
        origin is, with nothing otherwise.
        """
        asks = request.header("access-control-request-method")
        if not (self.origins and request.method == "OPTIONS" and asks):
            return None
        allowed = self.headers_for(request)
        if allowed:
            allowed += [
                ("access-control-allow-methods", ",".join(self.methods)),
                ("access-control-allow-headers", ",".join(self.headers)),
            ]
            if self.max_age is not None:
                allowed.append(("access-control-max-age", str(self.max_age)))
        return Answer(204, allowed)

    def headers_for(self, request: Request) -> list[tuple[str, str]]:
        """What an answer carries, so that the page may read it."""
        origin = request.header("origin")
        if not origin or not {"*", origin} & set(self.origins):
            return []
        headers = [("access-control-allow-origin", "*" if "*" in self.origins else origin)]
        if self.exposed:
            headers.append(("access-control-expose-headers", ",".join(self.exposed)))
        if self.credentials:
            headers.append(("access-control-allow-credentials", "true"))
        return headers
