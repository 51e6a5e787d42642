"""What every ModelRegistry does: the fake and DynamoDB's."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from tests.fakes.model_ports import FakeRegistry
from topshelf.aws.registry_table import RegistryTable
from topshelf.errors import ConflictError
from topshelf.ports import Champion, ModelRegistry

DAY = date(2026, 1, 1)


@pytest.fixture(params=["fake", "dynamodb"])
def registry(request: pytest.FixtureRequest) -> ModelRegistry:
    if request.param == "fake":
        return FakeRegistry()
    dynamodb: Any = request.getfixturevalue("client")("dynamodb")
    name = f"registry-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return RegistryTable(dynamodb, table=name)


def test_nothing_is_live_at_first(registry: ModelRegistry) -> None:
    assert registry.champion() is None


def test_a_flip_names_its_predecessor(registry: ModelRegistry) -> None:
    first = registry.flip(None, "v1", DAY)
    assert first == Champion("v1", None, DAY, 1)
    second = registry.flip(first, "v2", date(2026, 1, 2))
    assert second == Champion("v2", "v1", date(2026, 1, 2), 2, previous_seen_since=DAY)
    assert registry.champion() == second


def test_the_slower_of_two_flips_is_refused(registry: ModelRegistry) -> None:
    first = registry.flip(None, "v1", DAY)
    registry.flip(first, "v2", DAY)
    with pytest.raises(ConflictError):
        registry.flip(first, "v3", DAY)
    with pytest.raises(ConflictError):
        registry.flip(None, "v3", DAY)
    champion = registry.champion()
    assert champion is not None
    assert champion.version == "v2"


def test_a_flip_there_and_back_is_not_mistaken_for_none(registry: ModelRegistry) -> None:
    first = registry.flip(None, "v1", DAY)
    second = registry.flip(first, "v2", DAY)
    registry.flip(second, "v1", DAY)
    with pytest.raises(ConflictError):
        registry.flip(first, "v3", DAY)


def test_what_is_known_of_a_version_grows(registry: ModelRegistry) -> None:
    assert registry.describe("v1") == {}
    registry.record("v1", "verified", {"files": "9"})
    registry.record("v1", "imported", {"lists": "5"})
    assert registry.describe("v1") == {"status": "imported", "files": "9", "lists": "5"}
    assert registry.describe("v2") == {}


def test_a_training_is_found_by_its_name(registry: ModelRegistry) -> None:
    assert registry.version_of_run("nightly-1") is None
    registry.record_run("nightly-1", "v1")
    registry.record_run("nightly-2", "v2")
    assert registry.version_of_run("nightly-1") == "v1"
    # What was interrupted and run again is known by what it made last.
    registry.record_run("nightly-1", "v3")
    assert registry.version_of_run("nightly-1") == "v3"
    assert registry.describe("nightly-1") == {}
