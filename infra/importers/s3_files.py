"""Objects of S3 as files to import, streamed."""

from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import Any

from infra.importers.input_file import HEAD_BYTES
from topshelf.aws.failures import failures_of
from topshelf.errors import InvalidInputError

__all__ = ["SCHEME", "S3File", "s3_files"]

SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class S3File:
    """An InputFile that is an object.

    Attributes:
        client: Of S3.
        bucket: Its bucket.
        key: Its key.
        size: See InputFile.
    """

    client: Any
    bucket: str
    key: str
    size: int | None

    @property
    def name(self) -> str:
        """See InputFile."""
        return self.key.rpartition("/")[2]

    @property
    def where(self) -> str:
        """See InputFile."""
        return f"{SCHEME}{self.bucket}/{self.key}"

    def head(self) -> bytes:
        """See InputFile."""
        # Without a Range: S3 refuses one on an empty object.
        with self.open() as body:
            return body.read(HEAD_BYTES)

    def open(self) -> BufferedReader:
        """See InputFile."""
        with failures_of(self.where):
            body = self.client.get_object(Bucket=self.bucket, Key=self.key)["Body"]
        return BufferedReader(_Body(body, self.where), HEAD_BYTES)


def s3_files(client: Any, url: str) -> list[S3File]:
    """The objects whose keys begin with a URL's, sorted by key; folders' own marks left out.

    Args:
        client: Of S3.
        url: ``s3://bucket/prefix``.

    Raises:
        InvalidInputError: There is no bucket in it; field ``path``.
        NotFoundError: There is no such bucket.
        UnavailableError: S3 does not answer.
    """
    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise InvalidInputError("path", f"{url} names no bucket; give {SCHEME}bucket/prefix")
    with failures_of(url):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        sizes = {
            found["Key"]: found.get("Size") for page in pages for found in page.get("Contents", ())
        }
    files = [S3File(client, bucket, key, sizes[key]) for key in sorted(sizes)]
    return [file for file in files if file.name and not file.name.startswith(".")]


class _Body(RawIOBase):
    """The bytes of an answer, its failures told as topshelf's."""

    def __init__(self, body: Any, where: str) -> None:
        self._body = body
        self._where = where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with failures_of(self._where):
            part = self._body.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._body.close()
        super().close()
