"""Interactions on the wire: what is read, what is refused and why, and what comes back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.interactions import NOON, interaction
from topshelf.errors import IntegrityError
from topshelf.events import (
    EventPolicy,
    Interaction,
    Refusal,
    encode_line,
    parse_event,
    parse_line,
    parse_stored,
)

_printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
ids = st.text(_printable, min_size=1, max_size=256)
_recommendation_ids = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)


@st.composite
def contract_interactions(draw: st.DrawFn) -> Interaction:
    """Any interaction that the contract and the default policy allow."""
    event_type = draw(st.sampled_from(["view", "watch", "rating"]))
    values = {
        "view": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "watch": st.floats(0, 1),
        "rating": st.floats(0.5, 5),
    }
    session_id = draw(st.none() | ids)
    return Interaction(
        item_id=draw(ids),
        event_type=event_type,
        timestamp=draw(st.integers(10**11, 10**14 - 1)),
        user_id=draw(ids if session_id is None else st.none() | ids),
        event_value=draw(values[event_type]),
        event_id=draw(st.none() | ids),
        session_id=session_id,
        recommendation_id=draw(st.none() | _recommendation_ids),
        impression=tuple(draw(st.lists(ids, max_size=5))),
    )


@given(contract_interactions())
def test_any_interaction_of_the_contract_survives_the_lake(event: Interaction) -> None:
    line = encode_line(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_line(line) == event
    assert parse_stored(line) == event
    assert parse_event(json.loads(line)) == event


@given(st.binary(max_size=300))
def test_no_bytes_make_parse_line_raise(line: bytes) -> None:
    assert isinstance(parse_line(line), Interaction | Refusal)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["item_id", "event_type", "timestamp", "user_id", "event_value", "impression", "x\n\0"]
        ),
        _json | ids,
    )
)
def test_no_object_makes_the_parsers_raise(value: dict[str, object]) -> None:
    assert isinstance(parse_event(value), Interaction | Refusal)
    read = parse_line(json.dumps(value).encode())
    assert isinstance(read, Interaction | Refusal)
    if isinstance(read, Refusal):
        assert read.field.isascii()
        assert read.detail.isascii()
        assert read.detail


@pytest.mark.parametrize("value", [None, 3, "view", [], [{}]])
def test_an_event_is_an_object(value: object) -> None:
    assert parse_event(value) == Refusal("body", "an event is an object")


def _event(**changes: Any) -> dict[str, Any]:
    value = {"item_id": "m1", "event_type": "view", "timestamp": NOON, "user_id": "u1"} | changes
    return {name: field for name, field in value.items() if field is not ...}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"item_id": ...}, "item_id"),
        ({"item_id": ""}, "item_id"),
        ({"item_id": "a b"}, "item_id"),
        ({"item_id": "m\n"}, "item_id"),
        ({"item_id": "é"}, "item_id"),
        ({"item_id": 7}, "item_id"),
        ({"item_id": "m" * 257}, "item_id"),
        ({"event_type": "purchase"}, "event_type"),
        ({"event_type": "View"}, "event_type"),
        ({"timestamp": NOON // 1000}, "timestamp"),
        ({"timestamp": 10**14}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": float(NOON)}, "timestamp"),
        ({"timestamp": str(NOON)}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"user_id": ...}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"event_type": "watch"}, "event_value"),
        ({"event_type": "watch", "event_value": 1.01}, "event_value"),
        ({"event_type": "watch", "event_value": -0.01}, "event_value"),
        ({"event_type": "rating", "event_value": 0}, "event_value"),
        ({"event_type": "rating", "event_value": 5.5}, "event_value"),
        ({"event_type": "rating", "event_value": "4"}, "event_value"),
        ({"event_value": float("nan")}, "event_value"),
        ({"recommendation_id": "r" * 41}, "recommendation_id"),
        ({"impression": ["m1"] * 101}, "impression"),
        ({"impression": ["a b"]}, "impression.0"),
        ({"eventValue": 1}, "eventValue"),
    ],
)
def test_a_refusal_names_the_field(changes: dict[str, Any], field: str) -> None:
    refused = parse_event(_event(**changes))
    assert isinstance(refused, Refusal)
    assert refused.field == field
    from_line = parse_line(json.dumps(_event(**changes)).encode())
    assert isinstance(from_line, Refusal)
    # JSON has no NaN: such a line is none at all.
    assert from_line.field in {field, "body"}


@pytest.mark.parametrize(
    "item_id", ["a/b", "100%", "a+b", "%2F", "..", "#1?x=y&z", "m1;v=2", '"', "\\", "~" * 256]
)
def test_awkward_ids_are_ids(item_id: str) -> None:
    event = parse_event(_event(item_id=item_id, user_id=item_id))
    assert isinstance(event, Interaction)
    assert parse_line(encode_line(event)) == event


def test_a_session_is_enough_before_sign_in() -> None:
    event = parse_event(_event(user_id=..., session_id="s1"))
    assert isinstance(event, Interaction)
    assert event.user_id is None


def test_the_policy_decides_on_types_and_scale() -> None:
    policy = EventPolicy(frozenset({"rating", "trailer"}), rating_min=1, rating_max=10)
    assert isinstance(parse_event(_event(event_type="trailer"), policy), Interaction)
    assert isinstance(parse_event(_event(event_type="rating", event_value=10), policy), Interaction)
    assert parse_event(_event(), policy) == Refusal(
        "event_type", "'view' is not one of rating, trailer"
    )
    assert parse_event(_event(event_type="rating", event_value=0.5), policy) == Refusal(
        "event_value", "0.5 is not on the rating scale 1..10"
    )


def test_a_long_line_is_refused_unread() -> None:
    line = json.dumps(_event()).encode()
    assert isinstance(parse_line(line.ljust(65_536)), Interaction)
    assert parse_line(line.ljust(65_537)) == Refusal(
        "body", "the line has 65537 bytes; at most 65536 are read"
    )


@pytest.mark.parametrize("line", [b"", b"{", b"view", b"[]", b"\xff", b'{"\\ud800":1}'])
def test_a_line_that_is_no_object_is_refused_as_a_whole(line: bytes) -> None:
    refused = parse_line(line)
    assert isinstance(refused, Refusal)
    assert refused.field == "body"


@pytest.mark.parametrize(
    ("name", "said"), [("é", "\\xe9"), ("日", "\\u65e5"), ("x" * 200, "x" * 100)]
)
def test_an_unknown_fields_name_is_told_bounded_and_printable(name: str, said: str) -> None:
    refusal = parse_event(_event(**{name: 1}))
    assert isinstance(refusal, Refusal)
    assert refusal.field == said
    assert refusal.detail.startswith("this is not a field of an event; those are item_id, ")


@pytest.mark.parametrize(
    ("changes", "field", "detail"),
    [
        ({"user_id": ...}, "user_id", "user_id or session_id is required"),
        (
            {"timestamp": 1_767_268_800},
            "timestamp",
            "1767268800 looks like seconds; send milliseconds since 1970",
        ),
        (
            {"event_type": "watch", "event_value": 45},
            "event_value",
            "45.0 is not a watched fraction; send 0..1",
        ),
        ({"event_type": "rating"}, "event_value", "None is not on the rating scale 0.5..5"),
    ],
)
def test_a_refusal_says_what_to_send(changes: dict[str, Any], field: str, detail: str) -> None:
    assert parse_event(_event(**changes)) == Refusal(field, detail)


@pytest.mark.parametrize(
    ("event_type", "value"), [("watch", 0), ("watch", 1), ("rating", 0.5), ("rating", 5)]
)
def test_the_ends_of_a_scale_are_on_it(event_type: str, value: float) -> None:
    event = parse_event(_event(event_type=event_type, event_value=value))
    assert isinstance(event, Interaction)
    assert event.event_value == value


def test_the_first_millisecond_that_is_not_taken_for_seconds() -> None:
    assert isinstance(parse_event(_event(timestamp=10**11)), Interaction)
    assert isinstance(parse_event(_event(timestamp=10**11 - 1)), Refusal)


def test_absent_fields_are_left_out_of_the_line() -> None:
    assert encode_line(interaction("u1", "m1")) == (
        b'{"item_id":"m1","event_type":"view","timestamp":1767268800000,"user_id":"u1"}\n'
    )


def test_a_damaged_stored_line_is_told() -> None:
    with pytest.raises(IntegrityError, match=r"damaged: timestamp: "):
        parse_stored(b'{"item_id":"m1","event_type":"view","timestamp":"now"}')


def test_stored_events_outlive_a_change_of_policy() -> None:
    event = interaction(event_type="trailer")
    assert parse_stored(encode_line(event)) == event
