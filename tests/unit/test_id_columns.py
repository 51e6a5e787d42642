"""Ids as numbers: which of the sorted ids each row of a column has."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.id_columns import ITEM_IDS, USER_IDS, rows_among, rows_of

names = st.lists(st.text(st.characters(codec="ascii"), max_size=4))


@given(names)
def test_each_row_has_its_id_among_the_sorted_ones(column: list[str]) -> None:
    ids, rows = rows_of(pl.Series(column, dtype=USER_IDS))
    assert ids == sorted(set(column))
    assert [ids[row] for row in rows] == column


@given(names, names)
def test_an_id_that_is_not_asked_for_has_no_row(column: list[str], asked: list[str]) -> None:
    known = tuple(dict.fromkeys(asked))
    rows = rows_among(pl.Series(column, dtype=ITEM_IDS), known)
    assert rows.tolist() == [known.index(name) if name in known else -1 for name in column]


@pytest.mark.parametrize("earlier", [["z", "b"], ["b", "z", "a"]])
def test_the_order_in_which_a_process_met_the_ids_changes_nothing(earlier: list[str]) -> None:
    kind = pl.Categorical(pl.Categories.random())
    met = pl.Series(earlier, dtype=kind)
    ids, rows = rows_of(pl.Series(["b", "a", "b", "c"], dtype=kind))
    assert (ids, rows.tolist()) == (["a", "b", "c"], [1, 0, 1, 2])
    assert met.to_list() == earlier


def test_no_rows_have_no_ids() -> None:
    ids, rows = rows_of(pl.Series([], dtype=USER_IDS))
    assert ids == []
    assert len(rows) == 0
    assert len(rows_among(pl.Series([], dtype=USER_IDS), ())) == 0
