"""POST events: HTTP API → this → Firehose and the activity table."""

from aws_lambda_powertools import Logger

from topshelf.aws.activity_table import ActivityTable
from topshelf.aws.clients import create_client
from topshelf.aws.emf_metrics import EmfMetrics
from topshelf.aws.event_stream import EventStream
from topshelf.settings import IngestSettings, starts_from_snapshot, utc_now
from topshelf.web.app import lambda_handler_of
from topshelf.web.callers import Callers
from topshelf.web.entry import Built, lambda_entry
from topshelf.web.events import create_ingest_app


def _build() -> Built:
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
        callers=Callers(settings.authorizer, settings.admin_scope),
        clock=utc_now,
        logger=Logger(service="ingest_events"),
    )
    return Built(lambda_handler_of(app))


lambda_handler = lambda_entry(_build, from_snapshot=starts_from_snapshot())
