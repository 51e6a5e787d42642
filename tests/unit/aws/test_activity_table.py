"""Writes to the activity table: what DynamoDB leaves undone is asked for again, to an end."""

from typing import Any

import pytest

from tests.builders.interactions import NOON, interaction
from tests.fakes.aws_client import ScriptedClient, refusal
from topshelf.aws.activity_table import ActivityTable
from topshelf.errors import UnavailableError

DONE: dict[str, Any] = {"UnprocessedItems": {}}


def put(name: str) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"item": name}}}


def left(*names: str) -> dict[str, Any]:
    """DynamoDB's answer that these are still to be written."""
    return {"UnprocessedItems": {"activity": [put(name) for name in names]}}


def record(client: ScriptedClient, events: int, *, mark_seen: bool = False) -> list[Any]:
    """Records events of one viewer, and gives what each call was to write."""
    made = [interaction(event_id=f"e{n}", timestamp=NOON + n) for n in range(events)]
    table = ActivityTable(client, table="activity", ttl_days=90)
    table.record(made, arrived_at=NOON, mark_seen=mark_seen)
    return [
        arguments["RequestItems"]["activity"]
        for operation, arguments in client.calls
        if operation == "batch_write_item"
    ]


def test_what_was_left_undone_alone_is_asked_again() -> None:
    client = ScriptedClient(left("second", "third"), left("third"), DONE)
    first, *again = record(client, 3)
    assert len(first) == 3
    assert again == [[put("second"), put("third")], [put("third")]]


def test_an_answer_that_names_nothing_undone_is_the_end() -> None:
    assert len(record(ScriptedClient({}), 3)) == 1


def test_the_eighth_time_is_the_last() -> None:
    assert len(record(ScriptedClient(*[left("e")] * 7, DONE), 1)) == 8
    client = ScriptedClient(*[left("e")] * 8)
    with pytest.raises(
        UnavailableError, match="activity table is throttled; send the events again"
    ):
        record(client, 1)
    assert len(client.calls) == 8


def test_no_call_writes_more_than_dynamodb_takes() -> None:
    # The first batch is throttled once: the next begins anew.
    client = ScriptedClient(left("e"), DONE, DONE, DONE)
    assert [len(batch) for batch in record(client, 60)] == [25, 1, 25, 10]


def test_events_of_nobody_are_not_written() -> None:
    client = ScriptedClient()
    table = ActivityTable(client, table="activity", ttl_days=90)
    table.record([interaction(None, session_id="s1")], arrived_at=NOON)
    assert client.calls == []


def test_a_day_whose_set_is_full_costs_no_event() -> None:
    full = refusal("ValidationException", "Item size to update has exceeded the maximum size")
    client = ScriptedClient(DONE, full)
    record(client, 1, mark_seen=True)
    assert [operation for operation, _ in client.calls] == ["batch_write_item", "update_item"]


def test_another_refusal_of_the_days_set_is_told() -> None:
    client = ScriptedClient(DONE, refusal("ValidationException", "Invalid UpdateExpression"))
    with pytest.raises(UnavailableError, match="the activity table: ValidationException; Invalid"):
        record(client, 1, mark_seen=True)
