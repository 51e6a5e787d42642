"""The lake in S3: ``events/``, ``quarantine/``, the catalogue, and ``imports/``, their first days.

``dt=`` is the day of arrival, UTC. Objects of an import are named by their content, so writing one
again changes nothing.
"""

from datetime import date
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import IntegrityError, NotFoundError

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

    def first_day(self, content: str, day: date) -> date:
        """The day on which an import of this content was first begun.

        It stands in ``imports/<content>``, which is written where it is not there.

        Args:
            content: Hash of what is imported.
            day: Today, UTC.

        Raises:
            NotFoundError: There is no such bucket.
            IntegrityError: What stands there is no day.
            UnavailableError: S3 does not answer.
        """
        key = f"imports/{content}"
        try:
            with failures_of(f"{key} in the bucket {self._bucket}"):
                stored = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            self._put(key, day.isoformat().encode(), "text/plain")
            return day
        try:
            return date.fromisoformat(stored.decode("ascii"))
        except ValueError as error:
            raise IntegrityError(
                f"{key} in the bucket {self._bucket} is no day; remove it, and look for the "
                "objects of that import before it is done again"
            ) from error

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

    def _put(self, key: str, content: bytes, content_type: str = "application/gzip") -> None:
        with failures_of(f"{key} in the bucket {self._bucket}"):
            # No ContentEncoding: readers would unpack it behind the name's back.
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type
            )
