"""The application factory that both APIs share, and the way from Lambda into it."""

from typing import Any, Final
from urllib.parse import quote

from aws_lambda_powertools import Logger
from fastapi import Depends, FastAPI
from mangum import Mangum

from topshelf.web.callers import Callers
from topshelf.web.entry import Handler
from topshelf.web.parameters import DescribedRoute, StrictRoute
from topshelf.web.problems import described, install_problem_handlers

__all__ = ["lambda_handler_of", "new_app"]

_ERRORS: Final = described(
    {
        401: "The API takes tokens, and none came with the request",
        "4XX": "The request is refused; the problem document names the field",
        "5XX": "Not answered; try again",
    }
)
# Mangum takes the server's name and port from these, and fails where they are not of that form.
_UNREAD = ("host", "x-forwarded-port")


def new_app(logger: Logger, callers: Callers, *, described: bool = False) -> FastAPI:
    """An application without schema routes: schema and pages are files, written at build time.

    Args:
        logger: For what went wrong.
        callers: Every route asks that they be known.
        described: Whether routes say what their answers look like, for the API's description.
    """
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_ERRORS,
        dependencies=[Depends(callers.known)],
    )
    app.router.route_class = DescribedRoute if described else StrictRoute
    install_problem_handlers(app, logger)
    return app


def lambda_handler_of(app: FastAPI) -> Handler:
    """The Lambda handler of an application behind an HTTP API (payload format 2.0)."""
    mangum = Mangum(
        app,
        lifespan="off",
        text_mime_types=["text/", "application/json", "application/problem+json"],
    )

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return mangum(_readable(event), context)

    return handler


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """The event as Mangum reads it, whatever the client sent."""
    http = event["requestContext"]["http"]
    # An HTTP API hands over the path decoded, and Mangum decodes once more: an id that holds a
    # percent sign would change on the way.
    path = quote(http["path"], errors="surrogatepass")
    headers = {
        _encodable(name): _encodable(value)
        for name, value in (event.get("headers") or {}).items()
        if name.lower() not in _UNREAD
    }
    body = event.get("body")
    if isinstance(body, str) and not event.get("isBase64Encoded"):
        body = body.encode("utf-8", "surrogatepass")
    return {
        **event,
        "requestContext": {**event["requestContext"], "http": {**http, "path": path}},
        "rawQueryString": _encodable(event.get("rawQueryString") or ""),
        "headers": headers,
        "cookies": [],  # nobody here reads them
        "body": body,
    }


def _encodable(text: str) -> str:
    """The text, lone surrogates replaced: JSON can name them, UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
