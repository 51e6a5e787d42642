"""Model artefacts in S3: ``models/<version>/<name>``."""

from collections.abc import Iterator
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError
from topshelf.manifest import artefact_prefix

__all__ = ["ModelBucket"]

_CHUNK = 1 << 20


class ModelBucket:
    """Adapter of FactorStore."""

    def __init__(self, client: Any, *, bucket: str) -> None:
        """Builds the adapter.

        Args:
            client: Of S3.
            bucket: Its name.
        """
        self._client = client
        self._bucket = bucket

    def read(self, version: str, name: str) -> bytes:
        """See FactorStore."""
        return b"".join(self.chunks(version, name))

    def chunks(self, version: str, name: str) -> Iterator[bytes]:
        """See FactorStore."""
        key = artefact_prefix(version) + name
        with failures_of(key):
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            yield from body.iter_chunks(_CHUNK)

    def write(self, version: str, name: str, content: bytes) -> None:
        """See FactorStore."""
        key = artefact_prefix(version) + name
        try:
            with failures_of(key):
                # S3 itself refuses to overwrite: no look first, no race.
                self._client.put_object(Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*")
        except ConflictError as error:
            # A retry after a lost answer meets its own first attempt: the same bytes.
            if self.read(version, name) != content:
                message = f"{key} exists; nothing of a model is ever overwritten"
                raise ConflictError(message) from error
