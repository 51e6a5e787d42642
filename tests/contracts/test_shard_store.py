"""What every ShardStore does: the fake and S3's."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.fakes.shards import FakeShards
from topshelf.aws.shard_bucket import ShardBucket
from topshelf.errors import NotFoundError
from training.shard_plan import ShardStore

Maker = Callable[[str], ShardStore]


@pytest.fixture(params=["fake", "s3"])
def store_of(request: pytest.FixtureRequest) -> Maker:
    if request.param == "fake":
        return lambda _: FakeShards()
    s3: Any = request.getfixturevalue("client")("s3")
    bucket = f"shards-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    return lambda run: ShardBucket(s3, bucket=bucket, run=run)


def test_what_was_written_last_is_read(store_of: Maker) -> None:
    store = store_of("run")
    store.write("shard-00001/made.json", b"first")
    store.write("shard-00001/made.json", b"second")
    assert store.read("shard-00001/made.json") == b"second"


def test_what_is_not_there_is_not_found(store_of: Maker) -> None:
    with pytest.raises(NotFoundError, match=r"plan\.json"):
        store_of("run").read("plan.json")


def test_a_run_is_cleared_alone_and_may_be_again(store_of: Maker) -> None:
    own, other = store_of("run"), store_of("run2")
    own.write("plan.json", b"1")
    own.write("files/topk/a", b"2")
    other.write("plan.json", b"3")
    own.clear()
    own.clear()
    for name in ("plan.json", "files/topk/a"):
        with pytest.raises(NotFoundError):
            own.read(name)
    assert other.read("plan.json") == b"3"
