"""Checkpoints of trainings in S3: ``checkpoints/<run>/factors.npz``."""

from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import NotFoundError

__all__ = ["CheckpointBucket"]


class CheckpointBucket:
    """Adapter of CheckpointStore."""

    def __init__(self, client: Any, *, bucket: str) -> None:
        """Builds the adapter.

        Args:
            client: Of S3.
            bucket: Its name.
        """
        self._client = client
        self._bucket = bucket

    def load(self, run: str) -> bytes | None:
        """See CheckpointStore."""
        key = _key(run)
        try:
            with failures_of(key):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                content: bytes = answer["Body"].read()
        except NotFoundError:
            return None
        return content

    def save(self, run: str, content: bytes) -> None:
        """See CheckpointStore; S3 shows an object whole or not at all."""
        key = _key(run)
        with failures_of(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def remove(self, run: str) -> None:
        """See CheckpointStore."""
        key = _key(run)
        with failures_of(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)


def _key(run: str) -> str:
    return f"checkpoints/{run}/factors.npz"
