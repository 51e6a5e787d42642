"""Errors as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from topshelf.errors import (
    ConflictError,
    ForbiddenError,
    GoneError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    TopshelfError,
    UnauthenticatedError,
    UnavailableError,
)

__all__ = ["PROBLEM_TYPE", "Problem", "described", "install_problem_handlers", "plain", "problem"]

PROBLEM_TYPE = "application/problem+json"
"""The media type of a problem document."""

_TITLES = {
    400: "The request is not valid",
    401: "The request says nothing of who asks",
    403: "The caller may not do this",
    404: "There is no such thing",
    405: "This method is not for this address",
    409: "Somebody else changed it first",
    410: "It was there and is no longer",
    413: "The request is too large",
    500: "Something broke here",
    503: "Not available right now",
}
_STATUS: tuple[tuple[type[TopshelfError], int], ...] = (
    (InvalidInputError, 400),
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (GoneError, 410),
    (IntegrityError, 500),
    (UnavailableError, 503),
)
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "1"},
}


class Problem(BaseModel, defer_build=True):
    """A problem document (RFC 9457).

    Attributes:
        type: Always ``about:blank``: the status says it.
        title: The same for every problem of this status.
        status: The HTTP status.
        detail: What is wrong here, and what to do about it.
        field: The field at fault, ``body`` where none can be named.
        errors: Every refusal, where there are several.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[dict[str, str | int]] | None = None


def described(texts: Mapping[int | str, str]) -> dict[int | str, dict[str, Any]]:
    """Problems in the API's description, for ``responses`` of a route: by status, when it comes."""
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content, "description": text} for status, text in texts.items()}


def plain(text: str) -> str:
    """What a caller sent, fit to be told back: printable ASCII, at most 100 characters."""
    return text.encode("unicode_escape").decode()[:100]


def problem(
    status: int,
    detail: str,
    *,
    field: str | None = None,
    errors: Sequence[Mapping[str, str | int]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response; see Problem for the arguments."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
    }
    if field is not None:
        content["field"] = field
    if errors is not None:
        content["errors"] = list(errors)
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(json.dumps(content), status, headers, media_type=PROBLEM_TYPE)


def install_problem_handlers(app: FastAPI, logger: Logger) -> None:
    """Maps every error to a problem document, once for the whole application."""

    async def on_topshelf(_: Request, error: Exception) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        if status >= 500:
            logger.warning("request failed", extra={"detail": str(error)})
        headers = _HEADERS.get(status)
        return problem(status, str(error), field=getattr(error, "field", None), headers=headers)

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        first = error.errors()[0]
        # Where it is, without the part of the request; what a caller named is told back safely.
        field = plain(".".join(map(str, first["loc"][1:]))) or "body"
        message = first["msg"].encode("ascii", "backslashreplace").decode()
        return problem(400, f"{field}: {message}", field=field)

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        return problem(error.status_code, str(error.detail), headers=error.headers)

    async def on_anything(_: Request, error: Exception) -> Response:
        logger.exception("unexpected error", exc_info=error)
        return problem(500, "the error is logged; the same request may work later")

    app.add_exception_handler(TopshelfError, on_topshelf)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_anything)
