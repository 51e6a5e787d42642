"""The application factory that both APIs share, and the way from Lambda into it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum

from topshelf.web.parameters import StrictRoute
from topshelf.web.problems import PROBLEM_TYPE, install_problem_handlers

__all__ = ["lambda_handler_of", "new_app"]

_PROBLEM = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"content": _PROBLEM, "description": text}
    for code, text in {
        "4XX": "The request is refused; the problem document names the field",
        "5XX": "Not answered; try again",
    }.items()
}
# Mangum takes the server's name and port from these, and fails where they are not of that form.
_UNREAD = ("host", "x-forwarded-port")


def new_app(logger: Logger) -> FastAPI:
    """An application without schema routes: schema and pages are files, written at build time."""
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, responses=_ERRORS
    )
    app.router.route_class = StrictRoute
    install_problem_handlers(app, logger)
    return app


def lambda_handler_of(app: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
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
