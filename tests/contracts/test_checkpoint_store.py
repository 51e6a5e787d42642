"""What every CheckpointStore does: the fake and S3's."""

from typing import Any
from uuid import uuid4

import pytest

from tests.fakes.model_ports import FakeCheckpoints
from topshelf.aws.checkpoint_bucket import CheckpointBucket
from topshelf.ports import CheckpointStore


@pytest.fixture(params=["fake", "s3"])
def store(request: pytest.FixtureRequest) -> CheckpointStore:
    if request.param == "fake":
        return FakeCheckpoints()
    s3: Any = request.getfixturevalue("client")("s3")
    bucket = f"checkpoints-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    return CheckpointBucket(s3, bucket=bucket)


def test_before_the_first_there_is_none(store: CheckpointStore) -> None:
    assert store.load("run") is None


def test_the_last_one_stands(store: CheckpointStore) -> None:
    store.save("run", b"first")
    store.save("run", b"second")
    assert store.load("run") == b"second"


def test_runs_are_apart(store: CheckpointStore) -> None:
    store.save("one", b"1")
    store.save("other", b"2")
    store.remove("one")
    assert store.load("one") is None
    assert store.load("other") == b"2"


def test_what_is_removed_can_be_removed_again(store: CheckpointStore) -> None:
    store.save("run", b"1")
    store.remove("run")
    store.remove("run")
    assert store.load("run") is None
