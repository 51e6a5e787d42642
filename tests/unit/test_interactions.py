import gzip
import json
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.model_ports import FakeLake
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction, parse_line
from topshelf.features import ConfidenceWeights
from training.interactions import build_interactions, clean_events
from training.lake import LakeReading, frame_of, read_lake

AT = 1_767_225_600_000


def line(**fields: Any) -> bytes:
    row = {"user_id": "u1", "item_id": "m1", "event_type": "view", "timestamp": AT, **fields}
    return json.dumps({k: v for k, v in row.items() if v is not None}).encode()


def event(**fields: Any) -> Interaction:
    found = parse_line(line(**fields))
    assert isinstance(found, Interaction)
    return found


def packed(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(row + b"\n" for row in lines))


def read(lake: FakeLake) -> LakeReading:
    return read_lake(lake, DEFAULT_POLICY, lambda *_: None)


def refused(lake: FakeLake, name: str) -> list[dict[str, Any]]:
    rows = gzip.decompress(lake.quarantined[name]).splitlines()
    return [json.loads(row) for row in rows]


@pytest.fixture
def lake() -> FakeLake:
    return FakeLake()


def test_good_lines_come_in_and_bad_ones_go_to_quarantine(lake: FakeLake) -> None:
    key = "events/dt=2026-01-02/a.jsonl.gz"
    lake.events[key] = packed(line(), b"{", b"", line(event_type="liked"), line(item_id="m2"))
    reading = read(lake)
    assert reading.events["item_id"].to_list() == ["m1", "m2"]
    assert reading.counts == {"objects": 1, "ignored_objects": 0, "lines": 4, "quarantined": 2}
    first, second = refused(lake, "dt=2026-01-02/a.jsonl.gz")
    assert (first["object"], first["line"], first["field"]) == (key, 2, "body")
    assert first["text"] == "{\n"
    assert (second["line"], second["field"]) == (4, "event_type")
    assert "'liked' is not one of" in second["reason"]
    assert reading.objects == {key: lake.objects()[0].etag}


def test_objects_that_are_no_events_are_counted(lake: FakeLake) -> None:
    lake.events["events/dt=2026-01-02/a.jsonl.gz"] = packed(line())
    lake.events["events/readme.txt"] = b"hello"
    assert read(lake).counts["ignored_objects"] == 1


@pytest.mark.parametrize(
    "content",
    [b"plain text", packed(line(), line())[:-9], b"", packed(line()) + b"junk"],
    ids=["no gzip", "cut off", "empty", "more behind it"],
)
def test_a_damaged_object_stops_nothing(lake: FakeLake, content: bytes) -> None:
    lake.events["events/dt=2026-01-02/a.jsonl.gz"] = content
    lake.events["events/dt=2026-01-02/b.jsonl.gz"] = packed(line(item_id="good"))
    reading = read(lake)
    assert "good" in reading.events["item_id"].to_list()
    if content:
        assert "cannot be unpacked" in refused(lake, "dt=2026-01-02/a.jsonl.gz")[-1]["reason"]


def test_a_line_without_end_is_one_refusal(lake: FakeLake) -> None:
    lake.events["events/dt=2026-01-02/a.jsonl.gz"] = packed(b"x" * 3_500_000, line())
    assert read(lake).counts["quarantined"] == 1
    assert len(read(lake).events) == 1


def test_quarantine_has_the_same_bytes_again(lake: FakeLake) -> None:
    lake.events["events/dt=2026-01-02/a.jsonl.gz"] = packed(b"\xff\xfe")
    read(lake)
    before = dict(lake.quarantined)
    read(lake)
    assert lake.quarantined == before


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(line()), st.just(line(timestamp=5)))))
def test_no_line_vanishes(lines: list[bytes]) -> None:
    lake = FakeLake()
    whole = b"".join(row.replace(b"\n", b" ") + b"\n" for row in lines)
    lake.events["events/dt=2026-01-02/a.jsonl.gz"] = gzip.compress(whole)
    reading = read(lake)
    good = [row for row in lines if isinstance(parse_line(row), Interaction)]
    assert len(reading.events) == len(good)
    told = reading.counts["lines"]
    assert told - reading.counts["quarantined"] == len(good)
    assert told == sum(bool(row.strip()) for row in lines)


def test_duplicates_are_dropped() -> None:
    events = [
        event(event_id="e1"),
        event(event_id="e1", item_id="m2"),
        event(event_id="e2"),
        event(item_id="m3"),
        event(item_id="m3"),
        event(item_id="m3", timestamp=AT + 1),
        event(item_id="m3", user_id="u2"),
        event(item_id="m3", event_type="watch", event_value=0.5),
    ]
    cleaned = clean_events(frame_of(events))
    assert cleaned.counts == {"events": 6, "duplicates": 2, "joined": 0, "unjoined": 0}


def test_sessions_join_the_user_that_signs_in_with_them_whenever() -> None:
    events = [
        event(user_id=None, session_id="s1", item_id="before"),
        event(user_id="u7", session_id="s1", item_id="at", timestamp=AT + 5),
        event(user_id=None, session_id="s1", item_id="after", timestamp=AT + 9),
        event(user_id=None, session_id="lost", item_id="lost"),
        event(user_id="u8", session_id="s1", item_id="later", timestamp=AT + 10),
    ]
    cleaned = clean_events(frame_of(events))
    assert cleaned.counts == {"events": 4, "duplicates": 0, "joined": 2, "unjoined": 1}
    owners = dict(cleaned.events.select("item_id", "user_id").iter_rows())
    assert owners == {"before": "u7", "at": "u7", "after": "u7", "later": "u8"}


def test_a_joined_event_may_turn_out_a_duplicate() -> None:
    events = [
        event(user_id=None, session_id="s1"),
        event(user_id="u1"),
        event(user_id="u1", session_id="s1", item_id="m9"),
    ]
    assert clean_events(frame_of(events)).counts["duplicates"] == 1


def test_the_order_of_arrival_does_not_matter() -> None:
    events = [
        event(event_id="e1"),
        event(event_id="e1", timestamp=AT + 1),
        event(event_type="rating", event_value=3),
        event(event_type="rating", event_value=4),
    ]
    frames = [clean_events(frame_of(list(p))).events for p in permutations(events)]
    assert all(frame.equals(frames[0]) for frame in frames)


def many(n: int = 1200, users: int = 30) -> pl.DataFrame:
    rows = [
        event(user_id=f"u{i % users:02d}", item_id=f"m{i // users:03d}", timestamp=AT + i)
        for i in range(n)
    ]
    return clean_events(frame_of(rows)).events


def test_the_matrix_holds_confidences_in_sorted_rows_and_columns() -> None:
    extra = frame_of(
        [
            event(user_id="u03", item_id="m005", event_type="watch", event_value=1.0),
            event(
                user_id="u03",
                item_id="zz",
                event_type="rating",
                event_value=5.0,
                timestamp=AT + 10**6,
            ),
        ]
    )
    data = build_interactions(pl.concat([extra, many()]), ConfidenceWeights(alpha=1.0))
    assert data.users.ids[:2] == ("u00", "u01")
    assert data.items.ids[-1] == "zz"
    assert data.matrix.shape == (30, 41)
    assert data.matrix.dtype == np.float32
    assert data.matrix[3, 5] == 2.0
    assert data.matrix[3, 40] == 2.0
    assert data.matrix[4, 5] == pytest.approx(1.3, abs=1e-3)
    assert data.matrix.nnz == 1201
    assert data.newest_event == AT + 10**6
    row = slice(data.matrix.indptr[3], data.matrix.indptr[4])
    assert data.matrix.indices[row].tolist() == list(range(41))
    assert data.last_times[row][5] == AT + 5 * 30 + 3
    assert data.last_times[row][-1] == AT + 10**6


@pytest.mark.parametrize(
    ("frame", "told"), [(many(999), "999 interactions of 30"), (many(users=24), "of 24 users")]
)
def test_too_little_data_is_refused(frame: pl.DataFrame, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        build_interactions(frame, ConfidenceWeights(alpha=1.0))
