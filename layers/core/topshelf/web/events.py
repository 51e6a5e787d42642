"""The API that takes events in."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from topshelf.events import EventPolicy, Interaction, Refusal, dedup_key, parse_event
from topshelf.ports import ActivityStore, InteractionLog, MetricSink
from topshelf.web.app import new_app
from topshelf.web.callers import FORBIDDEN, Caller, Callers
from topshelf.web.envelope import MAX_BODY_BYTES, MAX_EVENTS, read_envelope
from topshelf.web.problems import problem

__all__ = ["MAX_BODY_BYTES", "MAX_EVENTS", "create_ingest_app"]

_SLOT = "none"  # no model takes part


class Batch(BaseModel, defer_build=True):
    """The body of a request: events, any order, of any viewers."""

    events: Annotated[list[Interaction], Field(min_length=1, max_length=MAX_EVENTS)]


class RefusedEvent(BaseModel, defer_build=True):
    """An event that was not accepted; the others were."""

    index: Annotated[int, Field(description="Position in the request, from 0")]
    field: str
    detail: str


class Receipt(BaseModel, defer_build=True):
    """What became of a batch."""

    accepted: int
    duplicates: Annotated[int, Field(description="Repeats within the batch, kept once")]
    refused: list[RefusedEvent]


@dataclass(slots=True)
class _SortedOut:
    """The events of a batch.

    Attributes:
        accepted: By what makes two events the same.
        duplicates: Repeats of these.
        refused: As a receipt tells them.
        forbidden: How many of the refused are another viewer's.
    """

    accepted: dict[str, Interaction] = field(default_factory=dict)
    duplicates: int = 0
    refused: list[dict[str, str | int]] = field(default_factory=list)
    forbidden: int = 0


def create_ingest_app(
    log: InteractionLog,
    activity: ActivityStore,
    metrics: MetricSink,
    policy: EventPolicy,
    *,
    callers: Callers,
    clock: Callable[[], datetime],
    logger: Logger,
    described: bool = False,
) -> FastAPI:
    """Builds the application.

    Args:
        log: The way into the lake.
        activity: What viewers did of late.
        metrics: Takes one line a request.
        policy: What this deployment accepts.
        callers: Tells who asks.
        clock: The time, with a time zone.
        logger: For what went wrong.
        described: See new_app.
    """
    app = new_app(logger, callers, described=described)

    @app.post(
        "/v1/events",
        status_code=202,
        response_model=Receipt,
        responses=FORBIDDEN,
        summary="Send events",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}},
            }
        },
    )
    async def post_events(request: Request) -> Response:
        values = read_envelope(await request.body())
        sorted_out = _sort_out(values, policy, callers.of(request))
        accepted, refused = list(sorted_out.accepted.values()), sorted_out.refused
        counts = {
            "events_accepted": ("Count", len(accepted)),
            "events_duplicate": ("Count", sorted_out.duplicates),
            "events_refused": ("Count", len(refused)),
        }
        if not accepted:
            metrics.emit(_SLOT, counts, {})
            first = refused[0]
            return problem(
                403 if sorted_out.forbidden == len(refused) else 400,
                f"no event was accepted; the first: {first['detail']}",
                field=f"events.{first['index']}.{first['field']}",
                errors=refused,
            )
        # The lake first: it is what must not lose an event. A client that retries after a
        # failure of the second write makes duplicates, which training drops.
        log.append(accepted)
        activity.record(accepted, arrived_at=int(clock().timestamp() * 1000))
        metrics.emit(_SLOT, counts, {})
        receipt = {
            "accepted": len(accepted),
            "duplicates": sorted_out.duplicates,
            "refused": refused,
        }
        return Response(json.dumps(receipt), 202, media_type="application/json")

    return app


def _sort_out(values: list[Any], policy: EventPolicy, caller: Caller) -> _SortedOut:
    found = _SortedOut()
    for index, value in enumerate(values):
        event = parse_event(value, policy)
        if isinstance(event, Interaction) and (refusal := caller.refusal_of(event)):
            found.forbidden += 1
            event = refusal
        if isinstance(event, Refusal):
            found.refused.append({"index": index, "field": event.field, "detail": event.detail})
        elif (key := dedup_key(event)) in found.accepted:
            found.duplicates += 1
        else:
            found.accepted[key] = event
    return found
