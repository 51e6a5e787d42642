"""Sources with Amazon Personalize's columns."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import RefusedRow, open_source
from infra.importers.personalize import to_event, to_movie
from tests.builders.interactions import interaction
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction, Refusal

INTERACTIONS = "USER_ID,ITEM_ID,TIMESTAMP\nu1,m1,1700000000\n"


def rows(path: Path) -> list[Interaction | RefusedRow]:
    return list(open_source(path).rows(DEFAULT_POLICY))


def movies(path: Path) -> list[Movie | RefusedRow]:
    return list(open_source(path).movies())


def test_seconds_become_milliseconds_and_no_type_means_view(tmp_path: Path) -> None:
    path = tmp_path / "anything.csv"
    path.write_text(INTERACTIONS + "u2,m2,1700000000123\nu3,m3,1700000001.0\n")
    assert rows(path) == [
        interaction("u1", "m1", event_type="view", timestamp=1_700_000_000_000),
        interaction("u2", "m2", event_type="view", timestamp=1_700_000_000_123),
        interaction("u3", "m3", event_type="view", timestamp=1_700_000_001_000),
    ]


def test_the_least_milliseconds() -> None:
    values = {"USER_ID": "u", "ITEM_ID": "m"}
    smallest = to_event(values | {"TIMESTAMP": "100000000000"}, DEFAULT_POLICY)
    assert isinstance(smallest, Interaction)
    assert smallest.timestamp == 100_000_000_000
    largest = to_event(values | {"TIMESTAMP": "99999999999"}, DEFAULT_POLICY)
    assert isinstance(largest, Interaction)
    assert largest.timestamp == 99_999_999_999_000


def test_every_column_in_any_case_and_order(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(
        b"\xef\xbb\xbfImpression,timestamp,Recommendation_Id, event_value ,EVENT_TYPE,"
        b"session_id,event_id,item_id,user_id,COLOUR\r\n"
        b'm7|m8|,1700000000,r-1,0.75,Watch,s1,e1,m1,u1,"a ""red"", one"\r\n'
        b",1700000000,,,view,s2,,m1,,\r\n"
    )
    assert rows(tmp_path / "x.csv") == [
        Interaction(
            user_id="u1",
            item_id="m1",
            event_type="watch",
            event_value=0.75,
            timestamp=1_700_000_000_000,
            event_id="e1",
            session_id="s1",
            recommendation_id="r-1",
            impression=("m7", "m8"),
        ),
        Interaction(item_id="m1", event_type="view", timestamp=1_700_000_000_000, session_id="s2"),
    ]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("u,m,1700000000", "body", "the row has 3 fields, not 5"),
        ("u,m,1700000000,view,,x", "body", "the row has 6 fields, not 5"),
        ('u,"m,1700000000,view,', "body", "no CSV row"),
        ("u,m,yesterday,view,", "timestamp", "'yesterday' is no whole number"),
        ("u,m,,view,", "timestamp", "'' is no whole number"),
        ("u,m,1_7,view,", "timestamp", "no whole number"),
        ("u,m,1.5,view,", "timestamp", "no whole number"),
        ("u,m,-5,view,", "timestamp", "greater than or equal to 0"),
        ("u,m,99999999999999999,view,", "timestamp", "less than"),
        ("u,m,1700000000,buy,", "event_type", "'buy' is not one of"),
        ("u,m,1700000000,,", "event_type", "pattern"),
        ("u,m,1700000000,rating,high", "event_value", "'high' is no number"),
        ("u,m,1700000000,rating,nan", "event_value", "finite"),
        ("u,m,1700000000,rating,9", "event_value", "rating scale"),
        (",m,1700000000,view,", "user_id", "user_id or session_id"),
        ("u,,1700000000,view,", "item_id", "required"),
        ("u v,m,1700000000,view,", "user_id", "pattern"),
    ],
)
def test_a_bad_row_costs_one_row(tmp_path: Path, line: str, field: str, reason: str) -> None:
    path = tmp_path / "interactions.csv"
    good = "u1,m1,1700000000,view,\n"
    path.write_text(f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n{good}{line}\n{good}")
    first, bad, last = rows(path)
    assert isinstance(first, Interaction)
    assert first == last
    assert isinstance(bad, RefusedRow)
    assert (bad.refusal.field, bad.line, bad.source) == (field, 3, "interactions.csv")
    assert bad.raw.decode() == line
    assert reason in bad.refusal.detail


@pytest.mark.parametrize(
    ("columns", "line", "expected"),
    [
        (
            "ITEM_ID,TITLE,GENRES,YEAR",
            'm1,"One, Two",Drama| Sci-Fi |,1999',
            Movie(item_id="m1", title="One, Two", genres=("Drama", "Sci-Fi"), year=1999),
        ),
        (
            "genre,Item_Name,item_id,year",
            "Drama,One,m1,1999.0",
            Movie(item_id="m1", title="One", genres=("Drama",), year=1999),
        ),
        (
            # 1577836800 is 2020-01-01T00:00:00Z.
            "ITEM_ID,CREATION_TIMESTAMP",
            "m1,1577836800",
            Movie(item_id="m1", title="m1", year=2020),
        ),
        (
            "ITEM_ID,CREATION_TIMESTAMP",
            "m1,1577836799000",
            Movie(item_id="m1", title="m1", year=2019),
        ),
        ("ITEM_ID,CREATION_TIMESTAMP,YEAR", "m1,,", Movie(item_id="m1", title="m1")),
        ("ITEM_ID,TITLE", "m1,Heat (1995)", Movie(item_id="m1", title="Heat", year=1995)),
        (
            "ITEM_ID,TITLE,CREATION_TIMESTAMP",
            "m1,Heat (1995),1577836800",
            Movie(item_id="m1", title="Heat", year=1995),
        ),
        (
            "ITEM_ID,TITLE,YEAR",
            "m1,Winter (1912),1963",
            Movie(item_id="m1", title="Winter (1912)", year=1963),
        ),
        ("ITEM_ID,TITLE,YEAR", "m1,Heat (1995),", Movie(item_id="m1", title="Heat", year=1995)),
        ("ITEM_ID", "m1(1995)", Movie(item_id="m1(1995)", title="m1(1995)")),
        ("ITEM_ID,PRICE", "m1,3", Movie(item_id="m1", title="m1")),
    ],
)
def test_items_become_movies(tmp_path: Path, columns: str, line: str, expected: Movie) -> None:
    (tmp_path / "interactions.csv").write_text(INTERACTIONS)
    (tmp_path / "items.csv").write_text(f"{columns}\n{line}\n")
    assert movies(tmp_path) == [expected]
    assert movies(tmp_path / "interactions.csv") == [expected]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("m1,One,Drama", "body"),
        (",One,Drama,1999", "item_id"),
        ("m1,One,Drama,soon", "year"),
        ("m1,One,Drama,1492", "year"),
    ],
)
def test_a_bad_item_costs_one_row(tmp_path: Path, line: str, field: str) -> None:
    (tmp_path / "interactions.csv").write_text(INTERACTIONS)
    (tmp_path / "items.csv").write_text(f"ITEM_ID,TITLE,GENRES,YEAR\n{line}\nm2,Two,,\n")
    bad, good = movies(tmp_path)
    assert isinstance(bad, RefusedRow)
    assert (bad.refusal.field, bad.line, bad.raw.decode()) == (field, 2, line)
    assert good == Movie(item_id="m2", title="Two")


def test_a_far_off_creation_time_is_refused() -> None:
    for text in ("9" * 18, "-" + "9" * 18, "x"):
        refused = to_movie({"ITEM_ID": "m", "CREATION_TIMESTAMP": text})
        assert isinstance(refused, Refusal)
        assert refused.field == "creation_timestamp"


def test_the_trio_is_known_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("USER_ID,AGE\nu1,30\nu2,40\n")
    (tmp_path / "b.csv").write_text(INTERACTIONS)
    (tmp_path / "c.csv").write_text("ITEM_ID,TITLE\nm1,One\n")
    (tmp_path / "README.txt").write_text("Three files.\n")
    source = open_source(tmp_path)
    assert source.description == ("CSV with Personalize's columns: b.csv, c.csv; not used: a.csv")
    assert len(rows(tmp_path)) == 1
    assert movies(tmp_path) == [Movie(item_id="m1", title="One")]
    assert source.count_users() == 2


def test_many_files_are_read_by_name_and_summed_up(tmp_path: Path) -> None:
    for n in range(6):
        packed = gzip.compress(f"ITEM_ID,USER_ID,TIMESTAMP\nm{n},u,1700000000\n".encode())
        (tmp_path / f"{n}.csv.gz").write_bytes(packed)
    source = open_source(tmp_path)
    assert source.description.endswith("columns: 0.csv.gz, 1.csv.gz, 2.csv.gz, 3.csv.gz, 2 more")
    read = [row.item_id for row in source.rows(DEFAULT_POLICY) if isinstance(row, Interaction)]
    assert read == ["m0", "m1", "m2", "m3", "m4", "m5"]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("users.csv", "USER_ID,AGE\nu1,30\n", "holds users, not events"),
        ("items.csv", "ITEM_ID,TITLE\nm1,One\n", "is a catalogue"),
        ("interactions.csv", "", "TIMESTAMP is missing"),
        ("interactions.csv", "USER_ID,ITEM_ID\nu,m\n", "TIMESTAMP is missing"),
        ("x.csv", "USER_ID,ITEM_ID\nu,m\n", "is of no known format"),
    ],
)
def test_what_lacks_columns_is_told(tmp_path: Path, name: str, content: str, text: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInputError, match=text) as caught:
        rows(tmp_path / name)
    assert caught.value.field == "path"


_VALUES = st.dictionaries(
    st.sampled_from(["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_VALUE", "IMPRESSION", "YEAR"]),
    st.text(max_size=30) | st.integers().map(str) | st.floats().map(str),
)


@given(_VALUES)
def test_no_values_raise(values: dict[str, str]) -> None:
    assert isinstance(to_event(values, DEFAULT_POLICY), Interaction | Refusal)
    assert isinstance(
        to_movie(values | {"CREATION_TIMESTAMP": values.get("YEAR", "")}), Movie | Refusal
    )
