"""Imports: every row counted, duplicates and bad rows set apart, the newest events kept."""

import errno
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.importers import ImportSummary, RefusedRow, import_run, open_source, packing
from tests.builders.imports import NOW, Listed, run
from tests.builders.interactions import NOON, interaction
from tests.fakes.event_ports import FakeActivity
from tests.fakes.lake import FakeLakeWriter
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import IntegrityError, InvalidInputError, UnavailableError
from topshelf.events import EventPolicy, Interaction, Refusal, encode_line

RATINGS_CSV = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n7,1029,3.0,851866703\n"
ONE = Movie(item_id="m1", title="One", genres=("Drama",), year=1999)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    good = [interaction("u1", f"m{n}", event_id=f"e{n}", timestamp=NOON + n) for n in range(5)]
    nameless = interaction(None, "m9", session_id="s1")
    lines = [
        *map(encode_line, [*good, nameless, good[0], nameless]),
        b'{"item_id":"m1"}\n',
        b"\xff\n",
    ]
    write(tmp_path / "events.jsonl", b"".join(lines))
    other = Movie(item_id="m2", title="Two")
    write(tmp_path / "items.jsonl", encode_movies([other, ONE]) + encode_movies([ONE]) + b"?\n")
    lake, activity = FakeLakeWriter(), FakeActivity()
    told: list[object] = []
    summary = run(open_source(tmp_path), lake, activity, progress=lambda *said: told.append(said))
    assert summary == ImportSummary(
        read=10,
        accepted=6,
        duplicates=2,
        quarantined=2,
        objects=1,
        activity_written=5,
        movies=2,
        movies_quarantined=1,
    )
    assert lake.lines("events/dt=2026-01-02/import-") == [
        json.loads(encode_line(event)) for event in [*good, nameless]
    ]
    assert lake.lines("quarantine/dt=2026-01-02/import-") == [
        {
            "reason": "Invalid JSON: expected value at line 1 column 1",
            "field": "body",
            "source": "items.jsonl",
            "line": 4,
            "raw": "?",
        },
        {
            "reason": "Field required",
            "field": "event_type",
            "source": "events.jsonl",
            "line": 9,
            "raw": '{"item_id":"m1"}',
        },
        {
            "reason": "Invalid JSON: expected value at line 1 column 1",
            "field": "body",
            "source": "events.jsonl",
            "line": 10,
            "raw": "\\xff",
        },
    ]
    catalogue = gzip.decompress(lake.objects["catalog/items.jsonl.gz"])
    assert catalogue == encode_movies([ONE, other])
    assert activity.newest("u1") == good[::-1]
    assert set(activity.origins.values()) == {"import"}
    assert activity.seen["u1", NOW.date()] == {f"m{n}" for n in range(5)}
    assert told[:2] == [("rows", 10, 1.0), ("lake", 6, 1.0)]
    assert told[2:] == [("activity", 5, 0.99), ("activity", 5, 1.0)]


def test_the_same_import_twice_gives_the_same_objects(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", RATINGS_CSV + "bad\n")
    first, second = FakeLakeWriter(), FakeLakeWriter()
    assert run(open_source(tmp_path), first) == run(open_source(tmp_path), second)
    assert first.objects == second.objects
    assert len(first.objects) == 2


def test_an_interrupted_import_goes_on_another_day_without_storing_a_row_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "_LINES", 3)
    events = [interaction(f"u{n}", event_id=f"e{n}") for n in range(10)]
    bad = RefusedRow(Refusal("body", "bad"), "e.jsonl", 1, b"?")

    class Interrupted(FakeLakeWriter):
        def put_events(self, day: date, name: str, content: bytes) -> None:
            if len(self.objects) == 3:
                raise KeyboardInterrupt
            super().put_events(day, name, content)

    begun = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(Listed([*events, bad]), begun)
    lake = FakeLakeWriter()
    lake.objects, lake.days = begun.objects, begun.days
    tomorrow = NOW + timedelta(days=1)
    for _ in range(2):
        summary = run(Listed([*events, bad]), lake, clock=lambda: tomorrow)
        assert (summary.accepted, summary.quarantined) == (10, 1)
        assert [line["event_id"] for line in lake.lines("events/")] == [f"e{n}" for n in range(10)]
        assert len(lake.lines("quarantine/")) == 1
        assert {key.split("/")[1] for key in lake.objects} == {"dt=2026-01-02"}
    run(Listed(events), lake, clock=lambda: tomorrow)
    assert len(lake.lines("events/dt=2026-01-03")) == 10


def test_nothing_is_in_the_lake_before_all_is_read() -> None:
    class Broken(Listed):
        def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
            yield from super().rows(policy)
            raise InvalidInputError("path", "damaged")

    lake = FakeLakeWriter()
    with pytest.raises(InvalidInputError):
        run(Broken([interaction()]), lake)
    assert lake.objects == {}
    assert lake.days == {}


def test_a_full_disk_is_told() -> None:
    class Full(Listed):
        def __init__(self, code: int) -> None:
            super().__init__([])
            self._code = code

        def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
            raise OSError(self._code, "as a temporary file would say")

    with pytest.raises(UnavailableError, match="no room for temporary files"):
        run(Full(errno.ENOSPC))
    with pytest.raises(PermissionError):
        run(Full(errno.EACCES))


def test_nothing_read_writes_nothing(tmp_path: Path) -> None:
    lake = FakeLakeWriter()
    summary = run(open_source(write(tmp_path / "e.jsonl", "\n")), lake)
    assert (summary.read, summary.objects, lake.objects) == (0, 0, {})


def test_the_day_is_that_of_arrival_in_utc() -> None:
    lake = FakeLakeWriter()
    west = datetime.fromisoformat("2026-01-02T20:00:00-08:00")
    run(Listed([interaction()]), lake, clock=lambda: west)
    assert next(iter(lake.objects)).startswith("events/dt=2026-01-03/import-")


def test_rows_that_do_not_add_up_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_run._Intake, "add", lambda self, event: None)
    with pytest.raises(IntegrityError, match="1 rows were read, but 0 accepted"):
        run(Listed([interaction()]))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["ratings.csv", "ratings.dat", "e.jsonl"]),
    st.lists(st.binary(max_size=40) | st.sampled_from([b'"', b"::", b",", b"1,2,3,4", b"\r"])),
)
def test_no_bytes_stop_an_import(
    tmp_path_factory: pytest.TempPathFactory, name: str, parts: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    # A blank line first: bytes that begin as a compressed file does are told, not read.
    header = b"userId,movieId,rating,timestamp\n" if name == "ratings.csv" else b"\n"
    write(folder / name, header + b"\n".join(parts))
    movie_name = {"ratings.csv": "movies.csv", "ratings.dat": "movies.dat"}.get(name, "items.jsonl")
    header = b"movieId,title,genres\n" if movie_name == "movies.csv" else b"\n"
    write(folder / movie_name, header + b"\n".join(parts))
    lake = FakeLakeWriter()
    summary = run(open_source(folder), lake)
    assert summary.read == summary.accepted + summary.duplicates + summary.quarantined
    refused = lake.lines("quarantine/")
    assert len(refused) == summary.quarantined + summary.movies_quarantined


@pytest.mark.data
def test_movielens_small_is_imported_whole(data_dir: Path) -> None:
    lake, activity = FakeLakeWriter(), FakeActivity()
    summary = run(open_source(data_dir / "ml-latest-small"), lake, activity)
    assert summary.read == 100_836
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (100_836, 0, 0)
    assert (summary.movies, summary.movies_quarantined) == (9_742, 0)
    events = lake.lines("events/")
    assert len({event["user_id"] for event in events}) == 610
    assert len({event["item_id"] for event in events}) == 9_724
    assert min(event["timestamp"] for event in events) == 828_124_615_000
    assert max(len(kept) for kept in activity.events.values()) == 200
    catalogue = {movie["item_id"]: movie for movie in lake.lines("catalog/")}
    assert catalogue["1"] == {
        "item_id": "1",
        "title": "Toy Story",
        "genres": ["Adventure", "Animation", "Children", "Comedy", "Fantasy"],
        "year": 1995,
    }
    assert catalogue["11"]["title"] == "American President, The"
