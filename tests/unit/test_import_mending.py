"""Rows of the quarantine, mended and imported again."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import RefusedRow, import_events, open_source
from infra.importers.mending import read_mended
from tests.builders.interactions import interaction
from tests.fakes.event_ports import FakeActivity
from tests.fakes.lake import FakeLakeWriter
from topshelf.events import DEFAULT_POLICY, MAX_LINE_BYTES, Interaction, encode_line


def mended(**line: object) -> Interaction | RefusedRow | None:
    content = json.dumps(line).encode()
    return read_mended(content, DEFAULT_POLICY, source="q.jsonl", number=7)


def load(path: Path) -> FakeLakeWriter:
    lake = FakeLakeWriter()
    import_events(
        open_source(path),
        lake=lake,
        activity=FakeActivity(),
        clock=lambda: datetime(2026, 1, 2, tzinfo=UTC),
    )
    return lake


@pytest.mark.parametrize(
    ("name", "content", "wrong_and_right", "expected"),
    [
        (
            "events.jsonl",
            '{"user_id":"u","item_id":"m","event_type":"veiw","timestamp":1700000000000}\n',
            ("veiw", "view"),
            interaction("u", "m", event_type="view", timestamp=1_700_000_000_000),
        ),
        (
            "interactions.csv",
            "timestamp,user_id,note,item_id\n17oo000000,u,,m\n",
            ("17oo", "1700"),
            interaction("u", "m", event_type="view", timestamp=1_700_000_000_000),
        ),
        (
            "ratings.csv",
            "userId,movieId,rating,timestamp\n1,31,25,1260759144\n",
            (",25,", ",2.5,"),
            interaction("1", "31", event_type="rating", event_value=2.5, timestamp=1260759144000),
        ),
        (
            "ratings.dat",
            "1::31::3:1260759144\n",
            ("3:1", "3::1"),
            interaction("1", "31", event_type="rating", event_value=3.0, timestamp=1260759144000),
        ),
    ],
)
def test_from_a_bad_row_by_way_of_the_quarantine_into_the_lake(
    tmp_path: Path, name: str, content: str, wrong_and_right: tuple[str, str], expected: Interaction
) -> None:
    (tmp_path / name).write_text(content)
    lake = load(tmp_path / name)
    assert lake.lines("events/") == []
    (quarantined,) = lake.lines("quarantine/")
    path = tmp_path / "mended.jsonl"
    path.write_text(json.dumps(quarantined).replace(*wrong_and_right) + "\n")
    again = load(path)
    assert again.lines("quarantine/") == []
    assert again.lines("events/") == [json.loads(encode_line(expected))]


def test_what_is_still_bad_stays_what_it_was() -> None:
    line: dict[str, Any] = {
        "reason": "old",
        "field": "old",
        "source": "a.csv",
        "line": 12,
        "raw": "u,m,soon",
        "columns": "USER_ID,ITEM_ID,TIMESTAMP",
    }
    bad = mended(**line)
    assert isinstance(bad, RefusedRow)
    again = json.loads(bad.encode())
    assert again.pop("reason").startswith("'soon' is no whole number")
    assert again == {key: line[key] for key in ("source", "line", "raw", "columns")} | {
        "field": "timestamp"
    }


def test_a_line_without_its_origin_gets_that_of_the_file() -> None:
    bad = mended(raw="?")
    assert isinstance(bad, RefusedRow)
    assert (bad.source, bad.line, bad.raw) == ("q.jsonl", 7, b"?")


def test_a_quarantined_line_of_the_quarantine() -> None:
    inner = json.dumps({"raw": encode_line(interaction()).decode(), "line": 3})
    assert mended(raw=inner, line=9) == interaction()


@pytest.mark.parametrize(
    "line", [{"raw": 5}, {"raw": "x", "columns": 5}, {"raw": "x", "user_id": "u"}, {}]
)
def test_other_lines_are_none_of_the_quarantine(line: dict[str, object]) -> None:
    assert mended(**line) is None


def test_a_row_of_the_catalogue_is_not_taken_for_an_event() -> None:
    bad = mended(raw="m1,One", columns="ITEM_ID,TITLE")
    assert isinstance(bad, RefusedRow)
    assert bad.refusal.field == "columns"
    assert "mend the catalogue itself" in bad.refusal.detail


def test_a_row_that_was_cut_is_refused() -> None:
    raw = "u,m,1700000000," + "x" * MAX_LINE_BYTES
    bad = mended(raw=raw[:MAX_LINE_BYTES], columns="USER_ID,ITEM_ID,TIMESTAMP,NOTE")
    assert isinstance(bad, RefusedRow)
    assert "was cut" in bad.refusal.detail


@given(st.text(), st.sampled_from(["", "USER_ID,ITEM_ID,TIMESTAMP", '"', "::"]) | st.text())
def test_no_text_raises(raw: str, columns: str) -> None:
    assert isinstance(mended(raw=raw, columns=columns), Interaction | RefusedRow)


def test_a_mended_file_is_known_on_standard_input() -> None:
    line = json.dumps({"reason": "r", "raw": encode_line(interaction()).decode()}).encode()
    source = open_source("-", stdin=BytesIO(line))
    assert source.description == "JSON lines: standard input"
    assert list(source.rows(DEFAULT_POLICY)) == [interaction()]
