import json
from typing import Any

import pytest

from functions.refresh_topk import handler
from tests.unit.test_refresh import House, watch
from topshelf.events import Interaction, encode_line


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    built = House()
    monkeypatch.setattr(handler, "_list_refresh", lambda: built.refresh)
    return built


def record(
    number: int, event: Interaction | str, user_id: str = "u1", **image: Any
) -> dict[str, Any]:
    text = event if isinstance(event, str) else encode_line(event).decode().rstrip("\n")
    stored = {"user_id": {"S": user_id}, "event_key": {"S": "k"}, "event": {"S": text}}
    return {
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": str(number),
            "NewImage": {**stored, "origin": {"S": "live"}, **image},
        },
    }


def call(*records: dict[str, Any]) -> list[str]:
    answer = handler.lambda_handler({"Records": list(records)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_events_of_one_viewer_are_one_refresh(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(record(1, watch("m007")), record(2, watch("m008"))) == []
    assert house.lists.writes == 1
    line = json.loads(capsys.readouterr().out)
    assert line["refresh_refreshed"] == [1.0]
    assert line["slot"] == "champion"


def test_what_is_no_live_event_is_passed_over(house: House) -> None:
    seen = {"user_id": {"S": "u1"}, "event_key": {"S": "seen#2026-01-01"}, "items": {"SS": ["m1"]}}
    removed = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "3", "Keys": {}}}
    other = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "2", "NewImage": seen}}
    assert call(record(1, watch("m007"), origin={"S": "import"}), other, removed) == []
    assert house.lists.writes == 0


def test_a_damaged_event_fails_alone(house: House) -> None:
    assert call(record(1, "{"), record(2, watch("m007"))) == ["1"]
    assert house.lists.writes == 1


def test_a_store_that_is_down_fails_every_event_of_its_viewers(house: House) -> None:
    house.lists.down = True
    records = [record(1, watch("m007")), record(2, watch("m008")), record(3, watch("m1"), "u2")]
    assert call(*records) == ["1", "2", "3"]


def test_viewers_without_a_list_are_counted(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(record(1, watch("m007"), "u9")) == []
    assert json.loads(capsys.readouterr().out)["refresh_no_list"] == [1.0]


def test_before_the_first_release_nothing_fails(house: House) -> None:
    house.registry.live = None
    assert call(record(1, watch("m007"))) == []


def test_clients_are_built_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("TOPSHELF_BUCKET", "b")
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", "r")
    monkeypatch.setenv("TOPSHELF_TOPK_PREFIX", "p")
    handler._list_refresh.cache_clear()
    assert handler._list_refresh() is handler._list_refresh()
    handler._list_refresh.cache_clear()
