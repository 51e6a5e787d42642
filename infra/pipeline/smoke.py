"""Whether a stage that was just deployed does what its clients need: one request a feature."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from infra.pipeline.api import Answer, Api

__all__ = ["SMOKE_VIEWER", "Check", "smoke"]

SMOKE_VIEWER: Final = "topshelf-smoke"
"""Whose events a smoke test sends: no viewer of yours may be called so."""

_REFUSALS: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: What.
        fault: What was wrong; None where it went well.
    """

    name: str
    fault: str | None


def smoke(api: Api, viewer: str, *, now_ms: int, refuses: bool) -> list[Check]:
    """Tries everything that the API offers, once.

    Args:
        api: Of the stage.
        viewer: One whom the live model knows.
        now_ms: The time of the event that is sent, in milliseconds since the epoch.
        refuses: Whether a request without a signature or token must be refused.

    Returns:
        What was tried, in order; where one thing needs another that failed, that one alone.
    """
    return list(_tried(api, viewer, now_ms, refuses=refuses))


def _tried(api: Api, viewer: str, now_ms: int, *, refuses: bool) -> Iterator[Check]:
    with api.connection() as send:

        def get(path: str) -> Answer:
            return send(api.prepare("GET", path))

        yield _check("health", get("/v1/health"), lambda said: said["status"] == "ok")
        answer = get("/v1/popular?num_results=5")
        yield _check("popular titles", answer, lambda said: len(said["item_list"]) == 5)
        popular = answer.fields.get("item_list") or []
        answer = get(f"/v1/users/{quote(viewer, safe='')}/recommendations?num_results=5")
        yield _check(
            "a viewer's own list",
            answer,
            lambda said: said["tier"] == "own" and len(said["item_list"]) == 5,
        )
        if found := answer.fields.get("recommendation_id"):
            yield _check(
                "where it came from",
                get(f"/v1/provenance/{quote(str(found), safe='')}"),
                lambda said: bool(said["model_version"]),
            )
        if popular:
            item = str(popular[0]["item_id"])
            event = {"user_id": SMOKE_VIEWER, "item_id": item, "event_type": "view"}
            body = {"events": [event | {"timestamp": now_ms}]}
            answer = send(api.prepare("POST", "/v1/events", body))
            yield _check("an event", answer, lambda said: said["accepted"] == 1, status=202)
        if refuses:
            answer = send(api.prepare("GET", "/v1/popular", signed=False))
            refused = answer.status in _REFUSALS
            yield Check(
                "a request without a signature",
                None if refused else f"it was answered with {answer.status} and not refused",
            )


def _check(
    name: str, answer: Answer, holds: Callable[[dict[str, Any]], bool], status: int = 200
) -> Check:
    said = answer.body.decode("utf-8", "replace")[:300]
    if answer.status != status:
        got = answer.status or "nothing"
        return Check(name, f"{status} was expected, {got} came: {said}")
    try:
        good = holds(json.loads(answer.body))
    except (KeyError, TypeError, ValueError) as error:
        return Check(name, f"the answer is not of its form ({error!r}): {said}")
    return Check(name, None if good else f"the answer is not as expected: {said}")
