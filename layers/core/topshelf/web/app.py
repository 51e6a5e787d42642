"""The application factory that both APIs share, and the way from Lambda into it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum

from topshelf.web.problems import Problem, install_problem_handlers

__all__ = ["lambda_handler_of", "new_app"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text}
    for code, text in {
        "4XX": "The request is refused; the problem document names the field",
        "5XX": "Not answered; try again",
    }.items()
}


def new_app(logger: Logger) -> FastAPI:
    """An application without schema routes: schema and pages are files, written at build time."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, responses=_ERRORS)
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
        # An HTTP API hands over the path decoded, and Mangum decodes once more: an id
        # that holds a percent sign would change on the way.
        http = event["requestContext"]["http"]
        encoded = {**event["requestContext"], "http": {**http, "path": quote(http["path"])}}
        return mangum({**event, "requestContext": encoded}, context)

    return handler
