"""Bodies that nobody sends by accident: each is refused by name, and good events are kept.

They go through the local gateway's own handling and the Lambda handlers, over fakes.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.apis import FakeApis
from tests.builders.front import REPEATABLE, InProcessGateway, problem_of
from tests.builders.interactions import NOON

JSON = (b"content-type", b"application/json")
GOOD = {"user_id": "u1", "item_id": "m1", "event_type": "view", "timestamp": NOON}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"\xff\xfe", "body"),
        (b"\xed\xa0\x80", "body"),
        (b'{"events": "\xff"}', "events"),
        ('{"events": []}'.encode("utf-16"), "body"),
        (b"[" * 500_000, "body"),
        (b'{"a":' * 100_000, "body"),
        (b'{"events": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "events.0.body"),
        (b" " * 1_000_000, "body"),
        (b'{"events": [' + b" " * 1_000_000 + b"]}", "body"),
        (b"9" * 5_000, "body"),
        (b'{"events": ' + b"9" * 5_000 + b"}", "events"),
        (b'{"events": -1}', "events"),
        (b'{"events": NaN}', "events"),
        (b'{"events": [-Infinity]}', "events.0.body"),
        (b'{"events": [[[[[]]]]]}', "events.0.body"),
        (b'{"events": [], "\\ud800": 1}', "\\ud800"),
        (b'{"events": [], "": 1}', "body"),
        (b'{"events": [{"\\n": 1, "item_id": "m", "event_type": "view", "timestamp": 1}]}', None),
    ],
)
@pytest.mark.parametrize("header", [JSON, (b"content-type", b"application/octet-stream")])
def test_a_bad_body_is_refused_by_name_as_text_or_base64(
    gateway: InProcessGateway, header: tuple[bytes, bytes], body: bytes, field: str | None
) -> None:
    answer = gateway.send("POST", "/v1/events", [header], body)
    assert answer.status == 400
    assert problem_of(answer)["field"] == (field or "events.0.\\n")


@pytest.mark.parametrize(("size", "status"), [(7 * 1024 * 1024, 413), (11 * 1024 * 1024, 413)])
def test_a_body_beyond_lambda_or_the_gateway_is_refused(
    gateway: InProcessGateway, size: int, status: int
) -> None:
    assert gateway.send("POST", "/v1/events", [JSON], b" " * size).status == status


@pytest.mark.parametrize(
    ("spoilt", "field"),
    [
        (b'"user_id": "\xff"', "user_id"),
        (b'"user_id": "\xed\xa0\x80"', "user_id"),
        (b'"user_id": "\\ud800"', "user_id"),
        (b'"user_id": "\xc3\xa9"', "user_id"),
        (b'"\xff": 1', "body"),
        (b'"timestamp": ' + b"9" * 5_000, "timestamp"),
        (b'"timestamp": -' + b"9" * 5_000, "timestamp"),
        (b'"timestamp": -1', "timestamp"),
        (b'"event_value": NaN', "event_value"),
        (b'"event_value": -Infinity', "event_value"),
        (b'"event_value": 1e999', "event_value"),
        (b'"event_value": ' + b"9" * 5_000, "event_value"),
        (b'"event_value": ' + b"[" * 100_000 + b"]" * 100_000, "event_value"),
        (b'"impression": ' + b"[" * 100_000 + b"]" * 100_000, "impression.0"),
        (b'"deep": ' + b'{"deep":' * 50_000 + b'"]}\\""' + b"}" * 50_000, "deep"),
        (b'"user_id": "a b"', "user_id"),
        (b'"user_id": "' + b"x" * 500_000 + b'"', "user_id"),
    ],
)
def test_what_is_wrong_with_an_event_stays_with_it(
    apis: FakeApis, gateway: InProcessGateway, spoilt: bytes, field: str
) -> None:
    apis.log.requests.clear()
    before, after = (json.dumps(GOOD | {"item_id": item}).encode() for item in ("m1", "m2"))
    bad = json.dumps(GOOD).encode()[:-1] + b", " + spoilt + b"}"
    body = b'{"events": [' + b",".join((before, bad, after)) + b"]}"
    answer = gateway.send("POST", "/v1/events", [JSON], body)
    assert answer.status == 202
    assert [(r["index"], r["field"]) for r in json.loads(answer.body)["refused"]] == [(1, field)]
    assert [event.item_id for event in apis.log.requests[0]] == ["m1", "m2"]


HOSTILE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=300)
    | st.sampled_from([10**400, -(10**24), float("nan"), float("inf"), "\ud800", " ", "", "a b"])
    | st.lists(st.text(max_size=3) | st.none(), max_size=101)
    | st.dictionaries(st.text(max_size=3), st.none(), max_size=2)
)
NAMES = (
    "user_id",
    "item_id",
    "event_type",
    "timestamp",
    "event_value",
    "event_id",
    "session_id",
    "recommendation_id",
    "impression",
)


@REPEATABLE
@given(
    spoilt=st.lists(
        st.tuples(st.sampled_from(NAMES) | st.text(max_size=5), HOSTILE), min_size=1, max_size=8
    ),
    place=st.integers(0, 8),
)
def test_good_events_among_hostile_ones_are_kept(
    apis: FakeApis, gateway: InProcessGateway, spoilt: list[tuple[str, Any]], place: int
) -> None:
    apis.log.requests.clear()
    events: list[Any] = [GOOD | {name: value} for name, value in spoilt]
    events.insert(place, GOOD | {"user_id": "the-good-one", "event_id": "good"})
    body = json.dumps({"events": events}).encode()
    answer = gateway.send("POST", "/v1/events", [JSON], body)
    assert answer.status == 202
    assert [e.user_id for e in apis.log.requests[0] if e.event_id == "good"] == ["the-good-one"]
    receipt = json.loads(answer.body)
    refused = receipt["refused"]
    assert receipt["accepted"] + receipt["duplicates"] + len(refused) == len(events)
    assert all((r["field"] + r["detail"]).isprintable() and r["field"] for r in refused)
