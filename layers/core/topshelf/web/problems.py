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
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    TopshelfError,
    UnavailableError,
)

__all__ = ["Problem", "install_problem_handlers", "problem"]

_TITLES = {
    400: "The request is not valid",
    404: "There is no such thing",
    405: "This method is not for this address",
    409: "Somebody else changed it first",
    413: "The request is too large",
    500: "Something broke here",
    503: "Not available right now",
}
_STATUS: tuple[tuple[type[TopshelfError], int], ...] = (
    (InvalidInputError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (IntegrityError, 500),
    (UnavailableError, 503),
)


class Problem(BaseModel):
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
    return Response(json.dumps(content), status, headers, media_type="application/problem+json")


def install_problem_handlers(app: FastAPI, logger: Logger) -> None:
    """Maps every error to a problem document, once for the whole application."""

    async def on_topshelf(_: Request, error: Exception) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        if status >= 500:
            logger.warning("request failed", extra={"detail": str(error)})
        headers = {"Retry-After": "1"} if status == 503 else None
        return problem(status, str(error), field=getattr(error, "field", None), headers=headers)

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        found = error.errors()
        fields = [str(e["loc"][-1]) if e["loc"] else "body" for e in found]
        # Names of unknown parameters come from the caller: bounded, and plain ASCII.
        safe = [f.encode("ascii", "backslashreplace").decode()[:100] or "body" for f in fields]
        detail = f"{safe[0]}: {found[0]['msg']}"
        return problem(400, detail.encode("ascii", "backslashreplace").decode(), field=safe[0])

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
