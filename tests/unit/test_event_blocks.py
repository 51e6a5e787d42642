"""The quick reading against the plain one: every line by topshelf.events.parse_line."""

import gzip
import io
import json
import zlib
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.model_ports import FakeLake
from topshelf.events import DEFAULT_POLICY, Interaction, Refusal, parse_line
from training.event_blocks import sure_lines
from training.lake import EVENT_SCHEMA, read_lake

KEY = "events/dt=2026-01-02/a.jsonl.gz"
AT = 1_767_225_600_000
LONGEST = 1 << 20

names = st.sampled_from(
    [
        "user_id",
        "item_id",
        "session_id",
        "event_id",
        "event_type",
        "event_value",
        "timestamp",
        "recommendation_id",
        "impression",
        "extra",
    ]
)
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [
            AT,
            AT + 0.5,
            5,
            10**11,
            10**11 - 1,
            10**14,
            10**14 - 1,
            2**63,
            10**400,
            -AT,
            0,
            1,
            -0.0,
            0.5,
            1e-07,
            1e300,
            5.0,
            5.000001,
            0.12345678901234568,
            "view",
            "watch",
            "rating",
            "liked",
            "u1",
            "m1",
            "é",
            "a b",
            '"',
            "\\",
            "1",
            "",
            "\n",
            "a" * 40,
            "a" * 41,
            "a" * 256,
            "a" * 257,
            ["m1"],
            ["m1", "m2", "m1"],
            ["m1"] * 100,
            ["m1"] * 101,
            ["a" * 256],
            ["a" * 257],
            ["é"],
            ["a b"],
            [""],
            ["m1", 5],
            [None],
            [],
            {"a": 1},
        ]
    ),
    st.text(max_size=4),
    st.floats(),
)
good = {"user_id": "u1", "item_id": "m1", "event_type": "view", "timestamp": AT}


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """An event with fields changed, left out, or there twice, in any order and spacing."""
    pairs: list[tuple[str, Any]] = list(good.items()) + draw(
        st.lists(st.tuples(names, odd), max_size=3)
    )
    if draw(st.booleans()):
        pairs += [("event_type", "watch"), ("event_value", draw(st.floats(-0.1, 1.1)))]
    if draw(st.booleans()):
        pairs += [("impression", draw(st.lists(st.sampled_from(["m1", "m2", "x/y"]))))]
    if draw(st.booleans()):  # the last of each field, as most events are
        pairs = list(dict(pairs).items())
    pairs = draw(st.permutations(pairs))[draw(st.integers(0, 1)) :]
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" : ", " ,"), (":", ",\t")]))
    ascii_only = draw(st.booleans())
    text = comma.join(
        f"{json.dumps(name)}{colon}{json.dumps(value, ensure_ascii=ascii_only)}"
        for name, value in pairs
    )
    whole = f"{{{text}}}".encode("utf-8", "surrogatepass").replace(b"\n", b" ")
    return (
        draw(st.sampled_from([b"", b"", b"", b" ", b"\r"]))
        + whole
        + draw(st.sampled_from([b"", b"", b"", b"\r", b"}", b","]))
    )


any_line = st.one_of(
    lines(),
    st.binary(max_size=30).map(lambda row: row.replace(b"\n", b"")),
    st.sampled_from([b"", b"  ", b"\x0b", b"{}", b"null", b"[1]", json.dumps(good).encode()]),
)


def plain(packed: bytes) -> tuple[list[Interaction], list[dict[str, Any]], int]:
    """What the lake's reader is to do, in the simplest way: accepted, refused, lines told of."""
    accepted: list[Interaction] = []
    refused: list[dict[str, Any]] = []
    number = told = 0

    def refuse(at: int, why: Refusal, text: bytes) -> None:
        shown = text[:2000].decode("utf-8", "backslashreplace")
        refused.append(
            {"object": KEY, "line": at, "field": why.field, "reason": why.detail, "text": shown}
        )

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            while line := stream.readline(LONGEST):
                number += 1
                if not line.isspace():
                    told += 1
                    found = parse_line(line, DEFAULT_POLICY)
                    if isinstance(found, Refusal):
                        refuse(number, found, line)
                    else:
                        accepted.append(found)
                while not line.endswith(b"\n") and len(line) == LONGEST:
                    line = stream.readline(LONGEST)
    except (EOFError, OSError, zlib.error) as error:
        told += 1
        text = f"the object cannot be unpacked from here on: {error}"
        refuse(number + 1, Refusal("body", text), b"")
    return accepted, refused, told


def check(packed: bytes) -> None:
    lake = FakeLake()
    lake.events[KEY] = packed
    reading = read_lake(lake, DEFAULT_POLICY, lambda *_: None, shown=True)
    accepted, refused, told = plain(packed)
    rows = [tuple(getattr(event, name) for name in EVENT_SCHEMA) for event in accepted]
    assert reading.events.rows() == rows
    shown = [
        (event.user_id or "", event.session_id or "", item, event.timestamp)
        for event in accepted
        for item in event.impression
    ]
    ids = pl.col("user_id", "session_id", "item_id").cast(pl.String)
    text = reading.shown.with_columns(ids.fill_null(""))
    assert sorted(text.rows()) == sorted(shown)
    assert reading.counts == {
        "objects": 1,
        "ignored_objects": 0,
        "lines": told,
        "quarantined": len(refused),
    }
    kept = {name: gzip.decompress(content) for name, content in lake.quarantined.items()}
    text = b"".join(json.dumps(row).encode() + b"\n" for row in refused)
    assert kept == ({KEY.removeprefix("events/"): text} if refused else {})


@settings(deadline=None)
@given(st.lists(any_line, max_size=12), st.booleans())
@example([json.dumps({**good, "timestamp": AT + i}).encode() for i in range(3)], True)
@example(
    [b'{"user_id":"u","user_id":"u","item_id":"m","event_type":"view","timestamp":1767225600000}'],
    True,
)
def test_each_line_is_read_as_by_itself(rows: list[bytes], ended: bool) -> None:
    check(gzip.compress(b"\n".join(rows) + (b"\n" if ended else b"")))


@settings(deadline=None)
@given(
    st.lists(any_line, max_size=8), st.integers(0, 400), st.sampled_from(["cut", "turned", "more"])
)
def test_damage_is_met_at_the_same_line(rows: list[bytes], place: int, kind: str) -> None:
    packed = bytearray(gzip.compress(b"\n".join([*rows, b""])))
    place %= len(packed)
    if kind == "cut":
        del packed[place:]
    elif kind == "turned":
        packed[place] ^= 0x55
    else:
        packed += b"junk"
    check(bytes(packed))


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
@pytest.mark.parametrize("size", [65_535, 65_536, LONGEST - 1, LONGEST, LONGEST + 1, 40 << 20])
@pytest.mark.parametrize("fill", [b"x", b" "], ids=["text", "blank"])
def test_long_lines(size: int, fill: bytes, damaged: bool) -> None:
    line = json.dumps(good).encode()
    packed = gzip.compress(b"\n".join([line, fill * size, line, fill * size]), 1)
    check(packed[:-8] if damaged else packed)


def test_damage_amid_much_data_is_met_at_the_same_line() -> None:
    rows = [json.dumps({**good, "event_id": f"{i * 7919:x}"}).encode() for i in range(5000)]
    packed = bytearray(gzip.compress(b"\n".join(rows)))
    packed[len(packed) // 2] ^= 0xFF
    check(bytes(packed))


@pytest.mark.parametrize("value", [0, 1, 0.1, 0.5, 0.123456789, 0.999999999])
def test_plain_lines_need_no_second_look(value: float) -> None:
    rows = [
        good,
        {**good, "event_type": "watch", "event_value": value, "session_id": "s", "event_id": "e"},
        {**good, "recommendation_id": "r_-1"},
    ]
    block = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)
    found = sure_lines(block, DEFAULT_POLICY)
    assert (found.unsure, found.lines) == ([], 3)
    assert found.events["event_value"].to_list() == [None, value, None]
