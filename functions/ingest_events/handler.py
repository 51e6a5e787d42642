"""POST events: HTTP API → this → Firehose and the activity table."""

from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from topshelf.aws.activity_table import ActivityTable
from topshelf.aws.clients import create_client
from topshelf.aws.emf_metrics import EmfMetrics
from topshelf.aws.event_stream import EventStream
from topshelf.settings import IngestSettings, utc_now
from topshelf.web.app import lambda_handler_of
from topshelf.web.events import create_ingest_app


@cache
def _handler() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    settings = IngestSettings.load()
    place = (settings.region, settings.endpoint_url)
    app = create_ingest_app(
        EventStream(
            create_client("firehose", *place, timeout=2, attempts=2),
            stream=settings.events_stream,
        ),
        ActivityTable(
            create_client("dynamodb", *place, timeout=2, attempts=2),
            table=settings.activity_table,
            ttl_days=settings.activity_ttl_days,
        ),
        EmfMetrics("ingest_events"),
        settings.policy(),
        clock=utc_now,
        logger=Logger(service="ingest_events"),
    )
    return lambda_handler_of(app)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one request of the HTTP API."""
    return _handler()(event, context)
