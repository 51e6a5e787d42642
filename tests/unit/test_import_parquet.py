"""Sources in Parquet with Amazon Personalize's columns."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from infra.importers import RefusedRow, open_source, parquet_rows
from tests.builders.interactions import interaction
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction


def rows(path: Path) -> list[Interaction | RefusedRow]:
    return list(open_source(path).rows(DEFAULT_POLICY))


def write(path: Path, **columns: list[Any]) -> Path:
    pl.DataFrame(columns, strict=False).write_parquet(path)
    return path


def test_the_trio(tmp_path: Path) -> None:
    write(
        tmp_path / "interactions.parquet",
        user_id=[1, None],
        Item_Id=["m1", "m2"],
        TIMESTAMP=[1_700_000_000, 1_700_000_000_123],
        EVENT_TYPE=["watch", "view"],
        EVENT_VALUE=[0.5, None],
        SESSION_ID=[None, "s"],
        IMPRESSION=[["m8", "m9"], []],
        DEVICE=[{"os": "tv"}, None],
    )
    write(tmp_path / "items.parquet", ITEM_ID=["m1"], GENRES=["A|B"], YEAR=[1999])
    write(tmp_path / "users.parquet", USER_ID=["u1", "u2", "u3"])
    source = open_source(tmp_path)
    assert source.description == (
        "Parquet with Personalize's columns: interactions.parquet, items.parquet; "
        "not used: users.parquet"
    )
    assert rows(tmp_path) == [
        interaction(
            "1",
            "m1",
            event_type="watch",
            event_value=0.5,
            timestamp=1_700_000_000_000,
            impression=("m8", "m9"),
        ),
        interaction(None, "m2", event_type="view", timestamp=1_700_000_000_123, session_id="s"),
    ]
    assert list(source.movies()) == [Movie(item_id="m1", title="m1", genres=("A", "B"), year=1999)]
    assert source.count_users() == 3


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        (1_700_000_000.0, 1_700_000_000_000),
        ("1700000000", 1_700_000_000_000),
        (b"1700000000", 1_700_000_000_000),
        (datetime(2023, 11, 14, 22, 13, 20, 5000), 1_700_000_000_005),  # noqa: DTZ001
        (datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), 1_700_000_000_000),
        # Days since 1970: 19675, of 86,400,000 milliseconds each.
        (date(2023, 11, 14), 1_699_920_000_000),
        (date(1970, 1, 2), 86_400_000),
    ],
)
def test_times_of_any_type(tmp_path: Path, value: object, milliseconds: int) -> None:
    path = write(tmp_path / "x", USER_ID=["u"], ITEM_ID=["m"], TIMESTAMP=[value])
    (row,) = rows(path)
    if milliseconds < 10**11:
        assert isinstance(row, RefusedRow)
        assert row.refusal.field == "timestamp"
    else:
        assert isinstance(row, Interaction)
        assert row.timestamp == milliseconds


def test_a_bad_row_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_BATCH", 2)
    path = write(
        tmp_path / "interactions.parquet",
        USER_ID=["a", "b", "c", "d", "e"],
        ITEM_ID=["m", "m", "m", "m,2 ", None],
        TIMESTAMP=[1_700_000_000, None, 1_700_000_000, 1_700_000_000, 1_700_000_000],
    )
    first, bad, third, fourth, last = rows(path)
    assert isinstance(first, Interaction)
    assert isinstance(third, Interaction)
    assert isinstance(fourth, Interaction)
    assert isinstance(bad, RefusedRow)
    assert isinstance(last, RefusedRow)
    assert (bad.refusal.field, bad.line, bad.raw) == ("timestamp", 2, b"b,m,")
    assert (last.refusal.field, last.line, last.raw) == ("item_id", 5, b"e,,1700000000")
    assert last.columns == "USER_ID,ITEM_ID,TIMESTAMP"
    assert fourth.item_id == "m,2"


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", USER_ID=["u"] * 999, ITEM_ID=["m"] * 999, TIMESTAMP=[1] * 999)
    content = whole.read_bytes()
    path = tmp_path / "interactions.parquet"
    for damaged in (content[:-9], b"PAR1", b"PAR1" + bytes(100) + b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInputError, match="is damaged") as caught:
            rows(path)
        assert caught.value.field == "path"


def test_other_columns_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", a=[1])
    with pytest.raises(InvalidInputError, match="is of no known format; give"):
        open_source(path)
