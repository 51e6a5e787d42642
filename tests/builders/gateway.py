"""Events as an HTTP API (payload format 2.0) hands them to a function."""

from typing import Any


def http_event(
    method: str,
    path: str,
    *,
    query: str = "",
    body: str | None = None,
    headers: dict[str, str] | None = None,
    authorizer: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One request; ``path`` is decoded already, as an HTTP API delivers it."""
    vouched = {} if authorizer is None else {"authorizer": authorizer}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json", "host": "api.test", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "r-1",
            **vouched,
        },
        "body": body,
        "isBase64Encoded": False,
    }
