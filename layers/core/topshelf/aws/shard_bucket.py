"""What the steps of one training hand on to each other in S3: ``shards/<run>/<name>``."""

from typing import Any

from topshelf.aws.failures import failures_of

__all__ = ["ShardBucket"]


class ShardBucket:
    """Adapter of training.shard_plan.ShardStore."""

    def __init__(self, client: Any, *, bucket: str, run: str) -> None:
        """Builds the adapter.

        Args:
            client: Of S3.
            bucket: Its name.
            run: The training's.
        """
        self._client = client
        self._bucket = bucket
        self._prefix = f"shards/{run}/"

    def read(self, name: str) -> bytes:
        """See ShardStore."""
        key = self._prefix + name
        with failures_of(key):
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """See ShardStore; S3 shows an object whole or not at all."""
        key = self._prefix + name
        with failures_of(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def clear(self) -> None:
        """See ShardStore."""
        with failures_of(self._prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            for page in pages:
                for found in page.get("Contents", []):
                    self._client.delete_object(Bucket=self._bucket, Key=found["Key"])
