"""POST /v1/events: what is kept, what is refused, and how it is told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.gateway import http_event
from tests.builders.interactions import NOON
from tests.builders.recommend_api import EVERYBODY
from tests.fakes.event_ports import FakeActivity, FakeLog, FakeMetrics
from topshelf.events import DEFAULT_POLICY
from topshelf.web.app import lambda_handler_of
from topshelf.web.events import MAX_BODY_BYTES, MAX_EVENTS, create_ingest_app

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GOOD = {"user_id": "u1", "item_id": "m1", "event_type": "view", "timestamp": NOON}


class Api:
    """The API over fakes."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.activity = FakeActivity()
        self.metrics = FakeMetrics()
        self._handler: Callable[[dict[str, Any], Any], dict[str, Any]] = lambda_handler_of(
            create_ingest_app(
                self.log,
                self.activity,
                self.metrics,
                DEFAULT_POLICY,
                callers=EVERYBODY,
                clock=lambda: NOW,
                logger=Logger(service="test"),
            )
        )

    def post(self, body: str) -> tuple[int, dict[str, Any]]:
        answer = self._handler(http_event("POST", "/v1/events", body=body), None)
        expected = "application/json" if answer["statusCode"] < 300 else "application/problem+json"
        assert answer["headers"]["content-type"] == expected
        return answer["statusCode"], json.loads(answer["body"])

    def send(self, *events: Any) -> tuple[int, dict[str, Any]]:
        return self.post(json.dumps({"events": events}))


@pytest.fixture
def api() -> Api:
    return Api()


def test_events_reach_the_lake_and_the_activity(api: Api) -> None:
    status, receipt = api.send(GOOD, GOOD | {"item_id": "m2"})
    assert (status, receipt) == (202, {"accepted": 2, "duplicates": 0, "refused": []})
    assert [[event.item_id for event in kept] for kept in api.log.requests] == [["m1", "m2"]]
    assert {event.item_id for event in api.activity.newest("u1")} == {"m1", "m2"}
    assert api.activity.seen["u1", NOW.date()] == {"m1", "m2"}


def test_a_bad_event_is_refused_by_index_and_field_and_the_good_ones_are_kept(api: Api) -> None:
    bad = GOOD | {"event_type": "watch", "event_value": 1.5}
    status, receipt = api.send(GOOD, bad)
    assert status == 202
    assert receipt["accepted"] == 1
    assert [(r["index"], r["field"]) for r in receipt["refused"]] == [(1, "event_value")]
    assert len(api.log.requests[0]) == 1


def test_repeats_within_a_batch_are_kept_once(api: Api) -> None:
    status, receipt = api.send(GOOD, GOOD, GOOD | {"event_id": "e1"}, GOOD | {"event_id": "e1"})
    assert (status, receipt["accepted"], receipt["duplicates"]) == (202, 2, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": None}, "user_id"),
        ({"user_id": "a b"}, "user_id"),
        ({"user_id": "\ud800"}, "user_id"),
        ({"item_id": ""}, "item_id"),
        ({"item_id": "x" * 257}, "item_id"),
        ({"item_id": 7}, "item_id"),
        ({"event_type": "wink"}, "event_type"),
        ({"timestamp": "2026-01-01"}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": 1.5}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 1_767_268_800}, "timestamp"),
        ({"event_value": "1"}, "event_value"),
        ({"event_type": "rating", "event_value": 5.5}, "event_value"),
        ({"event_type": "rating"}, "event_value"),
        ({"impression": ["m1", "m 2"]}, "impression.1"),
        ({"impression": ["m"] * 101}, "impression"),
        ({"recommendation_id": "x" * 41}, "recommendation_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_the_refusal_names_the_field(api: Api, change: dict[str, Any], field: str) -> None:
    event = {name: value for name, value in (GOOD | change).items() if value is not None}
    status, receipt = api.send(event, GOOD)
    assert status == 202
    assert receipt["refused"][0]["field"] == field
    assert receipt["accepted"] == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 5000])
def test_a_monstrous_number_spoils_its_own_event_alone(api: Api, number: str) -> None:
    bad = json.dumps(GOOD | {"event_type": "watch", "event_value": 0}).replace(
        '"event_value": 0', f'"event_value": {number}'
    )
    status, receipt = api.post(f'{{"events":[{bad},{json.dumps(GOOD)}]}}')
    assert (status, receipt["accepted"]) == (202, 1)
    assert receipt["refused"][0]["field"] == "event_value"


def test_all_events_refused_is_a_problem_that_lists_each(api: Api) -> None:
    status, problem = api.send({"item_id": "m"}, 5)
    assert (status, problem["field"]) == (400, "events.0.event_type")
    assert [error["index"] for error in problem["errors"]] == [0, 1]
    assert api.log.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "body"),
        ("[" * 100_000, "body"),
        ('{"events": 5}', "events"),
        ('{"events": []}', "events"),
        (json.dumps({"events": [GOOD] * (MAX_EVENTS + 1)}), "events"),
        ('{"events": [], "more": 1}', "more"),
        ('{"events": [{"user_id": "' + "x" * MAX_BODY_BYTES + '"}]}', "body"),
    ],
)
def test_an_unreadable_envelope_is_a_problem_that_names_the_field(
    api: Api, body: str, field: str
) -> None:
    status, problem = api.post(body)
    assert (status, problem["field"]) == (400, field)
    assert problem["type"] == "about:blank"
    assert problem["detail"]


def test_a_lake_that_is_down_keeps_nothing_and_asks_to_try_again(api: Api) -> None:
    api.log.down = True
    status, problem = api.send(GOOD)
    assert (status, problem["status"]) == (503, 503)
    assert api.activity.newest("u1") == []


def test_the_counts_are_metrics(api: Api) -> None:
    api.send(GOOD, GOOD, 5)
    counts = {name: value for name, (_, value) in api.metrics.lines[0][1].items()}
    assert counts == {"events_accepted": 1, "events_duplicate": 1, "events_refused": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ALMOST_EVENT = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("user_id", "item_id", "event_type", "timestamp", "event_value", "impression"), JSON
    ),
)


@given(values=st.lists(JSON | ALMOST_EVENT, max_size=5))
def test_whatever_comes_the_good_event_is_kept(values: list[Any]) -> None:
    api = Api()
    status, receipt = api.send(*values, GOOD | {"event_id": "the-good-one"})
    assert status == 202
    assert receipt["accepted"] + receipt["duplicates"] + len(receipt["refused"]) == len(values) + 1
    assert "the-good-one" in {event.event_id for event in api.log.requests[0]}
    assert all(refusal["field"] for refusal in receipt["refused"])


@given(body=st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_body_at_all_is_a_server_error(body: str) -> None:
    status, problem = Api().post(body)
    assert status == 400
    assert problem["field"]
