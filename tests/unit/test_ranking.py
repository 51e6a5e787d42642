import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topshelf.ranking import NO_ITEM, popularity_ranking, top_k


class Watched(np.ndarray):
    """Factors of viewers that tell how many are scored at a time."""

    blocks: list[int]

    def __array_finalize__(self, source: object) -> None:
        self.blocks = getattr(source, "blocks", [])

    def __matmul__(self, other: np.ndarray) -> np.ndarray:
        self.blocks.append(len(self))
        return np.asarray(self) @ other


@st.composite
def problems(draw):  # type: ignore[no-untyped-def]
    n, m, f = draw(st.integers(1, 7)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    # Small whole numbers: exact sums, and ties at every turn.
    values = st.integers(-2, 2)
    users = draw(st.lists(st.lists(values, min_size=f, max_size=f), min_size=n, max_size=n))
    items = draw(st.lists(st.lists(values, min_size=f, max_size=f), min_size=m, max_size=m))
    seen = draw(st.lists(st.sets(st.integers(0, m - 1)), min_size=n, max_size=n))
    return np.array(users, np.float32), np.array(items, np.float32), [sorted(s) for s in seen]


def brute_force(users, items, seen, k):  # type: ignore[no-untyped-def]
    rankings = []
    for user, own in zip(users, seen, strict=True):
        scores = [(-float(user @ item), row) for row, item in enumerate(items) if row not in own]
        rows = [row for _, row in sorted(scores)[:k]]
        rankings.append(rows + [NO_ITEM] * (k - len(rows)))
    return rankings


@given(problem=problems(), k=st.integers(1, 14), block_bytes=st.sampled_from([1, 100, 1 << 20]))
@settings(deadline=None)
def test_top_k_is_exact_and_ties_go_to_the_lower_row(problem, k: int, block_bytes: int) -> None:  # type: ignore[no-untyped-def]
    users, items, seen = problem
    indptr = np.cumsum([0, *map(len, seen)])
    indices = np.array([row for own in seen for row in own], dtype=np.int64)
    found = top_k(users, items, indptr, indices, k, block_bytes=block_bytes)
    assert found.rows.tolist() == brute_force(users, items, seen, k)
    assert (np.isneginf(found.scores) == (found.rows == NO_ITEM)).all()


def test_scores_stand_beside_their_items() -> None:
    users = np.array([[1.0, 0.0]], np.float32)
    items = np.array([[1, 9], [3, 9], [2, 9]], np.float32)
    found = top_k(users, items, np.array([0, 1]), np.array([1]), 2)
    assert found.rows.tolist() == [[2, 0]]
    assert found.scores.tolist() == [[2.0, 1.0]]


def test_the_arrays_have_the_types_that_are_promised() -> None:
    found = top_k(
        np.ones((2, 1), np.float32),
        np.ones((3, 1), np.float32),
        np.zeros(3, np.int32),
        np.zeros(0, np.int32),
        2,
    )
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)
    assert popularity_ranking(np.ones(3, np.uint8)).dtype == np.int64


@pytest.mark.parametrize(
    ("block_bytes", "blocks"),
    # A score has 4 bytes, a viewer 6 of them: 24 bytes a viewer.
    [(1, [1] * 7), (24, [1] * 7), (71, [2, 2, 2, 1]), (72, [3, 3, 1]), (10_000, [7])],
)
def test_each_viewer_is_scored_once_in_blocks_within_the_bound(
    block_bytes: int, blocks: list[int]
) -> None:
    users = np.ones((7, 2), np.float32).view(Watched)
    none_seen = np.zeros(8, np.int64), np.zeros(0, np.int64)
    top_k(users, np.ones((6, 2), np.float32), *none_seen, 3, block_bytes=block_bytes)
    assert users.blocks == blocks


def test_the_best_of_many_items_cost_less_than_sorting_them_all() -> None:
    rng = np.random.default_rng(7)
    users = rng.standard_normal((60, 8), dtype=np.float32)
    items = rng.standard_normal((20_000, 8), dtype=np.float32)
    none_seen = np.zeros(61, np.int64), np.zeros(0, np.int64)

    def seconds(work: Callable[[], object]) -> float:
        """Of the processor, which other work on the machine does not change."""
        began = time.process_time()
        work()
        return time.process_time() - began

    def sort() -> object:
        return np.argsort(-(users @ items.T), axis=1, kind="stable")

    sorting = min(seconds(sort) for _ in range(3))
    ranking = min(seconds(lambda: top_k(users, items, *none_seen, 100)) for _ in range(5))
    assert ranking < sorting / 2


def test_no_items_at_all() -> None:
    found = top_k(
        np.ones((2, 1), np.float32),
        np.ones((0, 1), np.float32),
        np.zeros(3, int),
        np.zeros(0, int),
        3,
    )
    assert found.rows.tolist() == [[NO_ITEM] * 3] * 2


@pytest.mark.parametrize(
    ("viewers", "expected"), [([1, 5, 5, 0], [1, 2, 0, 3]), ([], []), ([2, 2], [0, 1])]
)
def test_popularity_orders_by_viewers_then_by_row(viewers: list[int], expected: list[int]) -> None:
    assert popularity_ranking(np.array(viewers, dtype=np.int64)).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_equal_popularity_keeps_the_order_of_rows_in_long_lists_too(seed: int) -> None:
    viewers = np.random.default_rng(seed).integers(0, 4, 300)
    expected = sorted(range(300), key=lambda row: (-viewers[row], row))
    assert popularity_ranking(viewers).tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint64, np.int32, np.float32])
def test_popularity_takes_counts_of_any_number_type(dtype: type) -> None:
    assert popularity_ranking(np.array([0, 3, 1], dtype)).tolist() == [1, 2, 0]


def test_popularity_tells_great_counts_apart_by_one() -> None:
    assert popularity_ranking(np.array([2**53, 2**53 + 1], np.uint64)).tolist() == [1, 0]
