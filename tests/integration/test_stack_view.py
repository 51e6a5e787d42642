"""What ``topshelf status`` tells of a stack."""

import gzip
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console

from infra.cli.stack import Place, Stack
from infra.cli.stack_view import ModelVersion, trained_at, view
from infra.cli.status import holdings_table
from tests.conftest import REGION
from topshelf.errors import NotFoundError

OLD, NEW = "20260101T000000Z-0a0a0a0a", "20260102T030405Z-0b0b0b0b"


@pytest.fixture
def stack(emulator: str, client: Any) -> Stack:
    name = f"view-{uuid.uuid4().hex[:8]}"
    client("s3").create_bucket(Bucket=name)
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return Stack(name, Place(REGION, emulator), {"BucketName": name, "RegistryTableName": name})


def shown(stack: Stack) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(holdings_table(view(stack), lambda: trained_at(NEW) or 0))
    return captured.get()


def test_an_empty_stack_holds_nothing(stack: Stack) -> None:
    seen = view(stack)
    assert (seen.live, seen.live_trained_at, seen.versions) == (None, None, ())
    assert (seen.events.objects, seen.events.size, seen.events.lines) == (0, 0, 0)
    assert seen.events.newest is None
    text = shown(stack)
    assert "nothing" in text
    assert "0 objects, 0 bytes, 0 lines" in text


def test_what_is_held_is_counted_in_objects_bytes_and_lines(stack: Stack, client: Any) -> None:
    s3 = client("s3")
    two = gzip.compress(b"1\n2\n")
    bodies = {
        "events/dt=2026-01-01/a.jsonl.gz": two,
        # Two members behind one another, as append writes them.
        "events/dt=2026-01-01/b.jsonl.gz": two + gzip.compress(b"3\n"),
        "events/dt=2026-01-02/c.jsonl": b"4\n5\n",
        "quarantine/dt=2026-01-01/a.jsonl.gz": two[:-4],
        "exposures/dt=2026-01-01/x.jsonl.gz": two,
    }
    for key, body in bodies.items():
        s3.put_object(Bucket=stack.name, Key=key, Body=body)
    seen = view(stack)
    assert (seen.events.objects, seen.events.lines) == (3, 7)
    assert seen.events.size == sum(len(b) for k, b in bodies.items() if k.startswith("events/"))
    assert seen.events.newest == "events/dt=2026-01-02/c.jsonl"
    assert seen.events.newest_at is not None
    assert abs(datetime.now(UTC).timestamp() - seen.events.newest_at) < 60
    assert seen.quarantine.objects == 1
    assert seen.quarantine.newest == "quarantine/dt=2026-01-01/a.jsonl.gz"


def test_more_than_is_cheap_to_read_is_not_counted_in_lines(
    stack: Stack, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.stack_view._COUNTED_BYTES", 3)
    client("s3").put_object(Bucket=stack.name, Key="events/a", Body=b"1\n2\n")
    assert (view(stack).events.size, view(stack).events.lines) == (4, None)
    assert "1 objects, 4 bytes " in shown(stack)


def test_versions_have_their_status_and_their_slot(stack: Stack, client: Any) -> None:
    for version in (OLD, NEW, "20260103T000000Z-0c0c0c0c"):
        client("s3").put_object(Bucket=stack.name, Key=f"models/{version}/a/b", Body=b"")
    registry = stack.registry()
    first = registry.flip(None, OLD, date(2026, 1, 1))
    registry.flip(first, NEW, date(2026, 1, 2))
    registry.record(NEW, "live", {})
    seen = view(stack)
    assert (seen.live, seen.live_trained_at) == (NEW, 1767323045.0)
    assert seen.versions == (
        ModelVersion("20260103T000000Z-0c0c0c0c", "trained", 1767398400.0, ""),
        ModelVersion(NEW, "live", 1767323045.0, "live"),
        ModelVersion(OLD, "trained", 1767225600.0, "before"),
    )
    text = shown(stack)
    assert f"{NEW} (0 s ago)" in text
    assert f"{OLD} trained (before)" in text


def test_a_name_without_a_time_has_no_age() -> None:
    assert trained_at("whatever") is None


def test_a_bucket_that_is_gone_is_named(stack: Stack, client: Any) -> None:
    client("s3").delete_bucket(Bucket=stack.name)
    with pytest.raises(NotFoundError, match=f"the bucket {stack.name}"):
        view(stack)
