"""What every EventLake of the training job does: the fake and S3's."""

import gzip
from typing import Any, Protocol
from uuid import uuid4

import pytest

from tests.fakes.model_ports import FakeLake
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.errors import ConflictError, NotFoundError
from training.lake import EventLake


class Filled(Protocol):
    lake: EventLake

    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...


class FilledFake:
    def __init__(self) -> None:
        self.lake = FakeLake()

    def put(self, key: str, content: bytes) -> None:
        if key.startswith("events/"):
            self.lake.events[key] = content
        else:
            self.lake.items = content

    def get(self, key: str) -> bytes:
        return self.lake.quarantined[key.removeprefix("quarantine/")]


class FilledBucket:
    def __init__(self, s3: Any) -> None:
        self._s3, self._bucket = s3, f"lake-{uuid4().hex[:8]}"
        s3.create_bucket(Bucket=self._bucket)
        self.lake = LakeBucket(s3, bucket=self._bucket)

    def put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body


@pytest.fixture(params=["fake", "s3"])
def filled(request: pytest.FixtureRequest) -> Filled:
    if request.param == "fake":
        return FilledFake()
    return FilledBucket(request.getfixturevalue("client")("s3"))


def test_objects_are_listed_by_key_and_read_as_they_are(filled: Filled) -> None:
    filled.put("events/dt=2026-01-02/b.jsonl.gz", b"two")
    filled.put("events/dt=2026-01-01/a.jsonl.gz", b"one!")
    filled.put("catalog/items.jsonl.gz", b"other")
    first, second = filled.lake.objects()
    assert (first.key, first.size) == ("events/dt=2026-01-01/a.jsonl.gz", 4)
    assert second.key == "events/dt=2026-01-02/b.jsonl.gz"
    assert filled.lake.read(first) == b"one!"
    assert first.etag.isalnum()
    assert first.etag != second.etag


def test_an_empty_lake_has_no_objects(filled: Filled) -> None:
    assert filled.lake.objects() == []


def test_an_object_that_was_overwritten_or_deleted_is_told(filled: Filled) -> None:
    filled.put("events/dt=2026-01-01/a.jsonl.gz", b"one")
    (listed,) = filled.lake.objects()
    filled.put("events/dt=2026-01-01/a.jsonl.gz", b"changed")
    with pytest.raises(ConflictError):
        filled.lake.read(listed)


def test_quarantine_may_be_written_again(filled: Filled) -> None:
    filled.lake.quarantine("dt=2026-01-01/a.jsonl.gz", b"first")
    filled.lake.quarantine("dt=2026-01-01/a.jsonl.gz", b"second")
    assert filled.get("quarantine/dt=2026-01-01/a.jsonl.gz") == b"second"
    assert filled.lake.objects() == []


def test_the_catalogue_may_be_missing(filled: Filled) -> None:
    assert filled.lake.catalogue() is None
    filled.put("catalog/items.jsonl.gz", gzip.compress(b"{}", mtime=0))
    assert filled.lake.catalogue() == gzip.compress(b"{}", mtime=0)


def test_a_lake_without_a_bucket_is_told(request: pytest.FixtureRequest) -> None:
    s3: Any = request.getfixturevalue("client")("s3")
    with pytest.raises(NotFoundError):
        LakeBucket(s3, bucket="no-such-bucket-here").objects()
