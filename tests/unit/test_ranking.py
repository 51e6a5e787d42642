import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topshelf.ranking import NO_ITEM, popularity_ranking, top_k


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
