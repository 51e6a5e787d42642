"""Whether new code of an API function answers, asked before the first viewer meets it.

The questions are requests of the HTTP API (payload format 2.0), from a caller who may do
everything, whatever authorizer the API has. None of them writes anything.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from topshelf.errors import NoModelError, TopshelfError

__all__ = ["CheckFailedError", "Kind", "check_function"]

Kind = Literal["recommend", "ingest"]
"""Which of the API's functions: the one that answers viewers, or the one that takes events in."""

_WHO = "check-deployment"
_TIMES = 3
_PAUSE_SECONDS = 2.0


class CheckFailedError(TopshelfError):
    """The new code does not answer as it should; no traffic is given to it."""


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    expected: str
    is_right: Callable[[int, Mapping[str, Any]], bool]
    body: str | None = None


def check_function(
    kind: Kind,
    invoke: Callable[[dict[str, Any]], Any],
    *,
    admin_scope: str,
    now: datetime,
    sleep: Callable[[float], None],
) -> None:
    """Asks a function what every deployment can answer, with or without a released model.

    A wrong answer is asked for twice more: the first read of a new process may take longer than
    a viewer is let wait, and then a fallback stands in.

    Args:
        kind: Which function it is.
        invoke: Calls it with an event; gives its answer.
        admin_scope: Scope of callers who may do everything.
        now: The time, with a time zone.
        sleep: Waits so many seconds.

    Raises:
        CheckFailedError: An answer is not what it should be.
        TopshelfError: As ``invoke`` raises.
    """
    for question in _QUESTIONS[kind]:
        event = _event(question, admin_scope, now)
        answer = invoke(event)
        for _ in range(_TIMES - 1):
            if question.is_right(*_read(answer)):
                break
            sleep(_PAUSE_SECONDS)
            answer = invoke(event)
        if not question.is_right(*_read(answer)):
            raise CheckFailedError(
                f"{question.method} {question.path}: expected {question.expected}, "
                f"got {json.dumps(answer)[:500]}"
            )


def _read(answer: Any) -> tuple[int, Mapping[str, Any]]:
    """Status and JSON object of an answer; 0, or an empty object, where it has none."""
    if not isinstance(answer, Mapping):
        return 0, {}
    try:
        body = json.loads(answer.get("body") or "")
    except (TypeError, ValueError):
        body = None
    status = answer.get("statusCode")
    return status if isinstance(status, int) else 0, body if isinstance(body, Mapping) else {}


def _is_description(status: int, body: Mapping[str, Any]) -> bool:
    return status == 200 and "openapi" in body and bool(body.get("paths"))


def _is_list_or_no_model(status: int, body: Mapping[str, Any]) -> bool:
    if status == 503:
        # Before the first release there is nothing to serve.
        return body.get("detail") == str(NoModelError())
    items = body.get("item_list")
    # Code that cannot read its stores answers from the deployment, and nobody would notice.
    return status == 200 and isinstance(items, list) and bool(items) and body.get("tier") != "baked"


def _is_refusal(status: int, body: Mapping[str, Any]) -> bool:
    return status == 400 and body.get("field") == "events"


_QUESTIONS: Mapping[Kind, tuple[_Question, ...]] = {
    "recommend": (
        _Question("GET", "/openapi.json", "200 and the API's description", _is_description),
        _Question(
            "GET",
            "/v1/popular",
            "200 and a list from the store, or 503 while no model is released",
            _is_list_or_no_model,
        ),
    ),
    "ingest": (
        _Question(
            "POST",
            "/v1/events",
            "400 that names events",
            _is_refusal,
            # No list, so no event: refused before anything is written.
            body=json.dumps({"events": _WHO}),
        ),
    ),
}


def _event(question: _Question, admin_scope: str, now: datetime) -> dict[str, Any]:
    http = {
        "method": question.method,
        "path": question.path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": _WHO,
    }
    claims = {"sub": _WHO, "scope": admin_scope}
    return {
        "version": "2.0",
        "routeKey": f"{question.method} {question.path}",
        "rawPath": question.path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "user-agent": _WHO},
        "requestContext": {
            "authorizer": {"jwt": {"claims": claims, "scopes": [admin_scope]}},
            "http": http,
            "requestId": _WHO,
            "routeKey": f"{question.method} {question.path}",
            "stage": "$default",
            "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "body": question.body,
        "isBase64Encoded": False,
    }
