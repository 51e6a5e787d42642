"""Events into the lake by way of Firehose."""

from collections.abc import Sequence
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import UnavailableError
from topshelf.events import Interaction, encode_line

__all__ = ["EventStream"]

_WHAT = "the event delivery stream"


class EventStream:
    """Adapter of InteractionLog: one request's events are one record, billed in steps of 5 KB."""

    def __init__(self, client: Any, *, stream: str) -> None:
        """Builds the adapter.

        Args:
            client: Of Firehose.
            stream: Name of the delivery stream.
        """
        self._client = client
        self._stream = stream

    def append(self, events: Sequence[Interaction]) -> None:
        """See InteractionLog."""
        record = b"".join(map(encode_line, events))
        with failures_of(_WHAT):
            answer = self._client.put_record_batch(
                DeliveryStreamName=self._stream, Records=[{"Data": record}]
            )
        if answer["FailedPutCount"]:
            raise UnavailableError(f"{_WHAT} refused the events; send them again")
