"""What every FactorStore does: the fake and S3's."""

from typing import Any
from uuid import uuid4

import pytest

from tests.fakes.model_ports import FakeFactorStore
from topshelf.aws.model_bucket import ModelBucket
from topshelf.errors import ConflictError, NotFoundError
from topshelf.ports import FactorStore

LARGE = bytes(range(256)) * 10_000


@pytest.fixture(params=["fake", "s3"])
def store(request: pytest.FixtureRequest) -> FactorStore:
    if request.param == "fake":
        return FakeFactorStore()
    s3: Any = request.getfixturevalue("client")("s3")
    bucket = f"models-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    return ModelBucket(s3, bucket=bucket)


def test_a_file_comes_back_whole_and_in_pieces(store: FactorStore) -> None:
    store.write("v1", "topk/part-00000.json.gz", LARGE)
    assert store.read("v1", "topk/part-00000.json.gz") == LARGE
    pieces = list(store.chunks("v1", "topk/part-00000.json.gz"))
    assert len(pieces) > 1
    assert b"".join(pieces) == LARGE


def test_an_empty_file_is_a_file(store: FactorStore) -> None:
    store.write("v1", "empty", b"")
    assert store.read("v1", "empty") == b""


def test_a_missing_file_is_told(store: FactorStore) -> None:
    with pytest.raises(NotFoundError):
        store.read("v1", "manifest.json")
    with pytest.raises(NotFoundError):
        list(store.chunks("v1", "manifest.json"))


def test_nothing_is_ever_overwritten(store: FactorStore) -> None:
    store.write("v1", "manifest.json", b"first")
    with pytest.raises(ConflictError):
        store.write("v1", "manifest.json", b"second")
    assert store.read("v1", "manifest.json") == b"first"


def test_the_same_bytes_again_change_nothing(store: FactorStore) -> None:
    store.write("v1", "manifest.json", b"first")
    store.write("v1", "manifest.json", b"first")
    assert store.read("v1", "manifest.json") == b"first"


def test_versions_are_apart(store: FactorStore) -> None:
    store.write("v1", "manifest.json", b"one")
    store.write("v2", "manifest.json", b"two")
    assert store.read("v1", "manifest.json") == b"one"
