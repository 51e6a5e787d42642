"""The lake in S3: events below ``events/``, refused lines below ``quarantine/``, the catalogue."""

from dataclasses import dataclass
from typing import Any

from topshelf.aws.event_bucket import CATALOGUE_KEY
from topshelf.aws.failures import failures_of
from topshelf.errors import NotFoundError

__all__ = ["LakeBucket", "LakeObject"]

_EVENTS = "events/"


@dataclass(frozen=True, slots=True)
class LakeObject:
    """One object of the lake as it was listed.

    Attributes:
        key: ``events/dt=<day>/<name>``.
        etag: Names the exact bytes.
        size: Bytes.
    """

    key: str
    etag: str
    size: int


class LakeBucket:
    """Reads events, writes what was refused."""

    def __init__(self, client: Any, *, bucket: str) -> None:
        """Builds the adapter.

        Args:
            client: Of S3.
            bucket: Its name.
        """
        self._client = client
        self._bucket = bucket

    def objects(self) -> list[LakeObject]:
        """All objects below ``events/``, sorted by key.

        Raises:
            NotFoundError: There is no such bucket.
            UnavailableError: S3 does not answer.
        """
        with failures_of(f"the lake of {self._bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=_EVENTS
            )
            found = [
                LakeObject(entry["Key"], entry["ETag"].strip('"'), int(entry["Size"]))
                for page in pages
                for entry in page.get("Contents", [])
            ]
        return sorted(found, key=lambda entry: entry.key)

    def read(self, entry: LakeObject) -> bytes:
        """The object's bytes, exactly those that were listed.

        Raises:
            ConflictError: Somebody has overwritten it since.
            NotFoundError: Somebody has deleted it since.
            UnavailableError: S3 does not answer.
        """
        with failures_of(entry.key):
            answer = self._client.get_object(
                Bucket=self._bucket, Key=entry.key, IfMatch=f'"{entry.etag}"'
            )
            content: bytes = answer["Body"].read()
        return content

    def quarantine(self, name: str, content: bytes) -> None:
        """Writes ``quarantine/<name>``, over what an earlier run wrote of the same source.

        Raises:
            UnavailableError: S3 does not answer.
        """
        key = f"quarantine/{name}"
        with failures_of(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def catalogue(self) -> bytes | None:
        """The gzipped catalogue; None where there is none."""
        try:
            with failures_of(CATALOGUE_KEY):
                answer = self._client.get_object(Bucket=self._bucket, Key=CATALOGUE_KEY)
                content: bytes = answer["Body"].read()
        except NotFoundError:
            return None
        return content
