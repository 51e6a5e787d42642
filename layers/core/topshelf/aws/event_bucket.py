"""The lake in S3: ``events/``, ``quarantine/`` and the catalogue.

``dt=`` is the day of arrival, UTC. Objects of an import are named by their content, so writing one
again changes nothing.
"""

from datetime import date
from typing import Any

from topshelf.aws.failures import failures_of

__all__ = ["CATALOGUE_KEY", "EventBucket"]

CATALOGUE_KEY = "catalog/items.jsonl.gz"


class EventBucket:
    """Writes whole objects of the lake."""

    def __init__(self, client: Any, bucket: str) -> None:
        """Builds the adapter.

        Args:
            client: Of S3.
            bucket: Its name.
        """
        self._client = client
        self._bucket = bucket

    def put_events(self, day: date, name: str, content: bytes) -> None:
        """Writes ``events/dt=<day>/<name>``.

        Args:
            day: Of arrival, UTC.
            name: Ends in ``.jsonl.gz``.
            content: Gzipped JSON lines.

        Raises:
            NotFoundError: There is no such bucket.
            UnavailableError: S3 does not answer.
        """
        self._put(f"events/dt={day.isoformat()}/{name}", content)

    def put_quarantine(self, day: date, name: str, content: bytes) -> None:
        """Writes ``quarantine/dt=<day>/<name>``; see put_events."""
        self._put(f"quarantine/dt={day.isoformat()}/{name}", content)

    def put_catalogue(self, content: bytes) -> None:
        """Replaces ``catalog/items.jsonl.gz``; see put_events."""
        self._put(CATALOGUE_KEY, content)

    def _put(self, key: str, content: bytes) -> None:
        with failures_of(f"{key} in the bucket {self._bucket}"):
            # No ContentEncoding: readers would unpack it behind the name's back.
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/gzip"
            )
