"""Event source mappings of DynamoDB streams: whose records call which function, and how.

Reference: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local import event_pattern
from infra.local.event_pattern import RecordFilter
from infra.local.notes import position_key
from topshelf.errors import TopshelfError

__all__ = ["EventSource", "event_source_of"]


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event source mapping.

    Attributes:
        function: Name of the function.
        stream_arn: The stream.
        wanted: Which records the function is called with.
        batch_size: Most records of an invocation.
        window: Seconds to wait for a full batch.
        retries: How often a failed batch is tried again; -1 without end.
        max_age: Seconds after which a record is given up; -1 never.
        bisect: Whether a failed batch is halved.
        partial: Whether the function names the records that failed.
        destination: ARN of the queue for what is given up.
    """

    function: str
    stream_arn: str
    wanted: RecordFilter
    batch_size: int = 100
    window: float = 0
    retries: int = -1
    max_age: float = -1
    bisect: bool = False
    partial: bool = False
    destination: str | None = None

    @property
    def position(self) -> str:
        """The note of how far it has come."""
        return position_key(self.stream_arn.split("/")[1], self.function)


def event_source_of(properties: Mapping[str, Any]) -> EventSource:
    """An event source from the mapping's resolved properties.

    Raises:
        TopshelfError: It asks for what the local cloud does not play.
    """
    arn = properties.get("EventSourceArn", "")
    if ":dynamodb:" not in arn or "/stream/" not in arn:
        raise TopshelfError(f"the local cloud cannot play the event source {arn}")
    if properties.get("StartingPosition") != "TRIM_HORIZON":
        raise TopshelfError(
            f"event source {arn}: only the starting position TRIM_HORIZON is played"
        )
    destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination and ":sqs:" not in destination:
        raise TopshelfError(f"event source {arn}: only a queue is played as destination")
    return EventSource(
        function=str(properties["FunctionName"]),
        stream_arn=arn,
        wanted=event_pattern.parse_all(properties.get("FilterCriteria")),
        batch_size=int(properties.get("BatchSize", 100)),
        window=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        retries=int(properties.get("MaximumRetryAttempts", -1)),
        max_age=float(properties.get("MaximumRecordAgeInSeconds", -1)),
        bisect=str(properties.get("BisectBatchOnFunctionError", False)).lower() == "true",
        partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        destination=destination,
    )
