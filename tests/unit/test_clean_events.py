"""Cleaning against its rule, told one event at a time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.interactions import NOON, interaction
from topshelf.events import Interaction
from training.interactions import clean_events
from training.lake import EVENT_SCHEMA, frame_of

users = st.sampled_from([None, "u1", "u2"])
sessions = st.sampled_from([None, "s1", "s2"])
events = st.lists(
    st.builds(
        lambda user, session, item, kind, at, value, name: interaction(
            user,
            item,
            session_id=session,
            event_type=kind,
            timestamp=NOON + at,
            event_value=value,
            event_id=name,
        ),
        users,
        sessions,
        st.sampled_from(["m1", "m2"]),
        st.sampled_from(["view", "watch"]),
        st.integers(0, 2),
        st.sampled_from([None, 0.5, 1.0]),
        st.sampled_from([None, None, "e1", "e2"]),
    ).filter(lambda event: event.user_id is not None or event.session_id is not None),
    max_size=14,
)

type _Row = tuple[str | float | None, ...]


def plain(found: list[Interaction]) -> tuple[list[_Row], dict[str, int]]:
    signed: dict[str, tuple[int, str]] = {}
    for event in found:
        if event.user_id is not None and event.session_id is not None:
            own = (event.timestamp, event.user_id)
            signed[event.session_id] = min(signed.get(event.session_id, own), own)
    owned = []
    joined = 0
    for event in found:
        user = event.user_id
        if user is None and event.session_id in signed:
            user, joined = signed[event.session_id][1], joined + 1
        if user is not None:
            row = {name: getattr(event, name) for name in EVENT_SCHEMA}
            owned.append(row | {"user_id": user})
    # What is missing comes first, as in a sorted frame.
    order = ("user_id", "item_id", "timestamp", "event_type", "event_value", "event_id")
    owned.sort(key=lambda row: [(row[n] is not None, row[n]) for n in (*order, "session_id")])
    kept = {}
    for row in owned:
        same = ("user_id", "item_id", "event_type", "timestamp")
        key = row["event_id"] or tuple(row[name] for name in same)
        kept.setdefault(key, tuple(row.values()))
    counts = {"events": len(kept), "duplicates": len(owned) - len(kept), "joined": joined}
    return list(kept.values()), counts | {"unjoined": len(found) - len(owned)}


def in_order(rows: list[_Row]) -> list[_Row]:
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


@settings(deadline=None)
@given(events)
def test_the_rows_and_the_counts_are_those_of_the_rule(found: list[Interaction]) -> None:
    cleaned = clean_events(frame_of(found))
    rows, counts = plain(found)
    assert cleaned.counts == counts
    assert in_order(cleaned.events.rows()) == in_order(rows)
    assert cleaned.events.schema == EVENT_SCHEMA
