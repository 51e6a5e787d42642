"""Ready lists, packed into scalars."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.topk import (
    MAX_FLOAT16,
    TopKList,
    pack_history,
    pack_rows,
    pack_scores,
    popular_key,
    similar_key,
    table_name,
    unpack_history,
    unpack_rows,
    unpack_scores,
)

_rows = st.integers(0, 2**32 - 1)
_halves = st.floats(width=16, allow_nan=False, allow_infinity=False)


@given(st.lists(_rows, max_size=150))
def test_rows_come_back(rows: list[int]) -> None:
    packed = pack_rows(rows)
    assert len(packed) == 4 * len(rows)
    assert unpack_rows(packed) == tuple(rows)


@given(st.lists(_halves, max_size=150))
def test_scores_of_half_precision_come_back_exactly(scores: list[float]) -> None:
    assert unpack_scores(pack_scores(scores)) == tuple(scores)


@given(st.lists(st.floats(allow_nan=False), max_size=50))
def test_any_score_is_packed_within_half_a_step_and_in_order(scores: list[float]) -> None:
    ordered = sorted(scores, reverse=True)
    back = unpack_scores(pack_scores(ordered))
    assert list(back) == sorted(back, reverse=True)
    for score, read in zip(ordered, back, strict=True):
        held = min(max(score, -MAX_FLOAT16), MAX_FLOAT16)
        assert abs(read - held) <= max(abs(held) * 2**-11, 2**-25)


@given(st.lists(st.tuples(_rows, _halves), max_size=50))
def test_history_comes_back(pairs: list[tuple[int, float]]) -> None:
    rows, confidences = [row for row, _ in pairs], [value for _, value in pairs]
    packed = pack_history(rows, confidences)
    assert len(packed) == 6 * len(pairs)
    assert unpack_history(packed) == (tuple(rows), tuple(confidences))


def test_the_layout_is_fixed() -> None:
    assert pack_rows([1, 256]) == bytes.fromhex("01000000 00010000")
    assert pack_scores([1.0, -2.0, 1e9]) == bytes.fromhex("003c 00c0 ff7b")
    assert pack_history([3], [1.0]) == bytes.fromhex("03000000 003c")


def test_a_history_needs_a_confidence_for_each_row() -> None:
    with pytest.raises(ValueError, match="2 rows but 1 confidences"):
        pack_history([1, 2], [1.0])


def test_a_row_beyond_32_bits_is_refused() -> None:
    with pytest.raises(struct.error):
        pack_rows([2**32])


@pytest.mark.parametrize(
    ("items", "ids"), [("", []), ("m1", ["m1"]), ("a/b 100% c+d", ["a/b", "100%", "c+d"])]
)
def test_items_are_split_at_spaces(items: str, ids: list[str]) -> None:
    ready = TopKList(items, b"", b"", b"", "batch", 0)
    assert ready.item_ids() == ids


def test_a_table_is_named_by_its_version() -> None:
    assert table_name("prod-topk", "20260101T000000Z-0a1b2c3d") == (
        "prod-topk-20260101T000000Z-0a1b2c3d"
    )


def test_lists_that_belong_to_no_viewer_have_keys_that_no_user_id_can_be() -> None:
    assert popular_key() == " popular"
    assert popular_key("genre:Drama") == " popular genre:Drama"
    assert similar_key("m1") == " similar m1"
