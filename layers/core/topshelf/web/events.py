"""The API that takes events in."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from topshelf.events import EventPolicy, Interaction, Refusal, dedup_key, parse_event
from topshelf.ports import ActivityStore, InteractionLog, MetricSink
from topshelf.web.app import new_app
from topshelf.web.envelope import MAX_BODY_BYTES, MAX_EVENTS, read_envelope
from topshelf.web.problems import problem

__all__ = ["MAX_BODY_BYTES", "MAX_EVENTS", "create_ingest_app"]

_SLOT = "none"  # no model takes part


class Batch(BaseModel):
    """The body of a request: events, any order, of any viewers."""

    events: Annotated[list[Interaction], Field(min_length=1, max_length=MAX_EVENTS)]


class RefusedEvent(BaseModel):
    """An event that was not accepted; the others were."""

    index: Annotated[int, Field(description="Position in the request, from 0")]
    field: str
    detail: str


class Receipt(BaseModel):
    """What became of a batch."""

    accepted: int
    duplicates: Annotated[int, Field(description="Repeats within the batch, kept once")]
    refused: list[RefusedEvent]


def create_ingest_app(
    log: InteractionLog,
    activity: ActivityStore,
    metrics: MetricSink,
    policy: EventPolicy,
    *,
    clock: Callable[[], datetime],
    logger: Logger,
) -> FastAPI:
    """Builds the application.

    Args:
        log: The way into the lake.
        activity: What viewers did of late.
        metrics: Takes one line a request.
        policy: What this deployment accepts.
        clock: The time, with a time zone.
        logger: For what went wrong.
    """
    app = new_app(logger)

    @app.post(
        "/v1/events",
        status_code=202,
        response_model=Receipt,
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
        accepted, duplicates, refused = _sort_out(values, policy)
        counts = {
            "events_accepted": ("Count", len(accepted)),
            "events_duplicate": ("Count", duplicates),
            "events_refused": ("Count", len(refused)),
        }
        if not accepted:
            metrics.emit(_SLOT, counts, {})
            first = refused[0]
            return problem(
                400,
                f"no event was accepted; the first: {first['detail']}",
                field=f"events.{first['index']}.{first['field']}",
                errors=refused,
            )
        # The lake first: it is what must not lose an event. A client that retries after a
        # failure of the second write makes duplicates, which training drops.
        log.append(accepted)
        activity.record(accepted, arrived_at=int(clock().timestamp() * 1000))
        metrics.emit(_SLOT, counts, {})
        receipt = {"accepted": len(accepted), "duplicates": duplicates, "refused": refused}
        return Response(json.dumps(receipt), 202, media_type="application/json")

    return app


def _sort_out(
    values: list[Any], policy: EventPolicy
) -> tuple[list[Interaction], int, list[dict[str, str | int]]]:
    accepted: dict[str, Interaction] = {}
    duplicates = 0
    refused: list[dict[str, str | int]] = []
    for index, value in enumerate(values):
        event = parse_event(value, policy)
        if isinstance(event, Refusal):
            refused.append({"index": index, "field": event.field, "detail": event.detail})
        elif (key := dedup_key(event)) in accepted:
            duplicates += 1
        else:
            accepted[key] = event
    return list(accepted.values()), duplicates, refused
