"""What every ActivityStore does: the fake and DynamoDB's."""

from typing import Any
from uuid import uuid4

import pytest

from tests.builders.interactions import NOON, interaction
from tests.fakes.event_ports import FakeActivity
from topshelf.aws.activity_table import ActivityTable
from topshelf.ports import ActivityStore


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ActivityStore:
    if request.param == "fake":
        return FakeActivity()
    dynamodb = request.getfixturevalue("client")("dynamodb")
    return ActivityTable(dynamodb, table=make_activity_table(dynamodb), ttl_days=90)


def make_activity_table(dynamodb: Any) -> str:
    name = f"activity-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "event_key", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "event_key", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_events_come_back_newest_first(store: ActivityStore) -> None:
    old = interaction(item_id="old", timestamp=NOON - 1)
    new = interaction(item_id="new", timestamp=NOON)
    store.record([old, new], arrived_at=NOON)
    assert store.newest("u1") == [new, old]


def test_every_field_survives(store: ActivityStore) -> None:
    event = interaction(
        "a/b%2F c".replace(" ", "+"),
        "m/1?#",
        event_type="watch",
        event_value=0.25,
        event_id="e-1",
        session_id="s-1",
        recommendation_id="A" * 40,
        impression=("m1", "m2"),
    )
    store.record([event], arrived_at=NOON)
    assert store.newest("a/b%2F+c") == [event]


def test_a_repeat_is_one_event(store: ActivityStore) -> None:
    event = interaction(event_id="e-1")
    store.record([event, event], arrived_at=NOON)
    store.record([event], arrived_at=NOON + 5)
    assert store.newest("u1") == [event]


def test_no_more_than_the_limit_is_read(store: ActivityStore) -> None:
    events = [interaction(timestamp=NOON + i) for i in range(60)]
    store.record(events, arrived_at=NOON)
    assert store.newest("u1", limit=7) == events[:-8:-1]


def test_events_before_sign_in_are_left_out(store: ActivityStore) -> None:
    store.record([interaction(None, session_id="s1")], arrived_at=NOON)
    assert store.newest("s1") == []


def test_seen_days_are_no_events(store: ActivityStore) -> None:
    store.record([interaction()], arrived_at=NOON, mark_seen=True)
    assert [event.item_id for event in store.newest("u1")] == ["m1"]


def test_a_viewers_flood_of_items_costs_nobody_their_events(store: ActivityStore) -> None:
    # 1,750 ids of 256 characters are more than DynamoDB takes in one item.
    flood = [interaction("u1", f"{n:0>256}", timestamp=NOON + n) for n in range(1_750)]
    for start in range(0, len(flood), 250):
        store.record([*flood[start : start + 250], interaction("u2", "m1")], arrived_at=NOON)
    assert store.newest("u1", 1) == flood[-1:]
    assert len(store.newest("u2")) == 1


def test_viewers_are_apart(store: ActivityStore) -> None:
    store.record([interaction("u1"), interaction("u2", "m2")], arrived_at=NOON)
    assert [event.item_id for event in store.newest("u2")] == ["m2"]


def test_dynamodb_items_expire_and_name_their_origin(client: Any) -> None:
    dynamodb = client("dynamodb")
    table = make_activity_table(dynamodb)
    store = ActivityTable(dynamodb, table=table, ttl_days=2)
    store.record([interaction()], arrived_at=NOON, origin="import", mark_seen=True)
    items = {item["event_key"]["S"]: item for item in dynamodb.scan(TableName=table)["Items"]}
    two_days_later = str(NOON // 1000 + 2 * 86_400)
    assert {item["expires_at"]["N"] for item in items.values()} == {two_days_later}
    assert items["seen#2026-01-01"]["items"]["SS"] == ["m1"]
    (event_key,) = (key for key in items if key != "seen#2026-01-01")
    assert event_key.startswith(f"00{NOON}#")
    assert items[event_key]["origin"]["S"] == "import"


def test_an_import_before_the_first_release_marks_nothing(client: Any) -> None:
    dynamodb = client("dynamodb")
    table = make_activity_table(dynamodb)
    ActivityTable(dynamodb, table=table, ttl_days=2).record(
        [interaction()], arrived_at=NOON, origin="import", mark_seen=False
    )
    keys = [item["event_key"]["S"] for item in dynamodb.scan(TableName=table)["Items"]]
    assert len(keys) == 1
    assert keys[0].startswith("0")
