"""The compiled ranking beside its oracle, tie by tie, and beside implicit's."""

from unittest.mock import patch

import implicit.cpu.topk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf import ranking
from topshelf.ranking import NO_ITEM
from training import ranker
from training.ranker import ItemRanker, top_k

SMALL_TILES = {"_VIEWERS": 4, "_ITEMS": 64}

type Problem = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Whole numbers: products are exact, so any library has the same scores, and most tie."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, m, f = draw(st.integers(0, 11)), draw(st.integers(1, 200)), draw(st.integers(1, 5))
    spread = draw(st.sampled_from([0, 1, 3, 40]))
    users, items = (
        rng.integers(-spread, spread + 1, (rows, f)).astype(np.float32) for rows in (n, m)
    )
    # Lengths that fall, as those of trained items do, so that some tiles are out of reach.
    items *= np.float32(2.0) ** -rng.integers(0, draw(st.sampled_from([1, 12])), (m, 1))
    seen = [rng.permutation(m)[: rng.choice([0, m, rng.integers(0, m + 1)])] for _ in range(n)]
    indptr = np.cumsum([0, *map(len, seen)])
    return users, items, indptr, np.concatenate([np.empty(0, np.int64), *seen])


def assert_same(found: ranking.Ranked, expected: ranking.Ranked) -> None:
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)


@given(problem=problems(), k=st.sampled_from([1, 2, 9, 16, 17, 70, 250]))
@settings(deadline=None, max_examples=200)
def test_it_is_the_ranking_that_numpy_finds(problem: Problem, k: int) -> None:
    users, items, indptr, indices = problem
    with patch.multiple(ranker, **SMALL_TILES):
        found = ItemRanker(items).top_k(users, indptr, indices, k)
    assert_same(found, ranking.top_k(users, items, indptr, indices, k))


def random_problem(seed: int, n: int = 300, m: int = 3000, f: int = 16) -> Problem:
    rng = np.random.default_rng(seed)
    users, items = (rng.standard_normal((rows, f), dtype=np.float32) for rows in (n, m))
    seen = [rng.permutation(m)[: rng.integers(0, 60)] for _ in range(n)]
    return users, items, np.cumsum([0, *map(len, seen)]), np.concatenate(seen)


@pytest.mark.parametrize("k", [1, 50, 100, 600])
def test_whole_tiles_of_real_numbers(k: int) -> None:
    users, items, indptr, indices = random_problem(k)
    with threadpool_limits(1, "blas"):
        found = ItemRanker(items).top_k(users, indptr, indices, k)
        expected = ranking.top_k(users, items, indptr, indices, k)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5, atol=1e-6)
    # Where two scores are the same but for rounding, either may be first.
    assert (found.rows == expected.rows).mean() > 0.999
    for own, start, stop in zip(found.rows, indptr, indptr[1:], strict=False):
        assert len(set(own.tolist())) == k
        assert not set(own.tolist()) & set(indices[start:stop].tolist())


def test_implicit_ranks_the_same() -> None:
    users, items, indptr, indices = random_problem(1)
    seen = csr_matrix(
        (np.ones(len(indices), np.float32), indices, indptr), (len(users), len(items))
    )
    with threadpool_limits(1, "blas"):
        expected, scores = implicit.cpu.topk.topk(items, users, 20, filter_query_items=seen)
        found = top_k(users, items, indptr, indices, 20)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5, atol=1e-6)
    assert (found.rows == expected).mean() > 0.999


def test_neither_threads_nor_neighbours_change_a_byte() -> None:
    users, items, indptr, indices = random_problem(2)
    with patch.object(ranker, "_AT_ONCE", 70):
        one, two = (top_k(users, items, indptr, indices, 10, threads=n) for n in (1, 2))
    assert_same(one, two)
    alone = ItemRanker(items).top_k(users[7:8], indptr[7:9], indices, 10)
    assert alone.rows.tobytes() == one.rows[7:8].tobytes()
    assert alone.scores.tobytes() == one.scores[7:8].tobytes()


def test_twins_are_in_the_order_of_their_rows_wherever_their_tiles_are() -> None:
    users, half, _, _ = random_problem(3, m=1500)
    items = np.concatenate([half, half])
    found = top_k(users, items, np.zeros(301, int), np.empty(0, int), 40).rows
    np.testing.assert_array_equal(found[:, 1::2], found[:, ::2] + 1500)


def test_zeros_tie_whatever_their_sign() -> None:
    users = np.array([[1.0], [-1.0]], np.float32)
    items = np.array([[0.0], [-0.0], [0.0]], np.float32)
    found = top_k(users, items, np.zeros(3, int), np.empty(0, int), 3)
    assert found.rows.tolist() == [[0, 1, 2]] * 2


def test_items_out_of_reach_are_not_scored() -> None:
    """The best 5 of the first 64 items have 10 at least, and no other item is longer than 1."""
    items = np.concatenate([np.full((64, 1), 10), np.full((600, 1), 1)]).astype(np.float32)
    products = []

    def counted(*arguments: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        products.append(out.shape)
        np.dot(*arguments, out=out)

    with patch.multiple(ranker, **SMALL_TILES), patch.object(ranker.np, "matmul", counted):
        found = ItemRanker(items).top_k(
            np.ones((1, 1), np.float32), np.array([0, 0]), np.empty(0, int), 5
        )
    assert found.rows.tolist() == [[0, 1, 2, 3, 4]]
    assert products == [(4, 64)]


def test_no_items_and_no_viewers() -> None:
    nothing = np.empty(0, int)
    none = top_k(
        np.ones((2, 3), np.float32), np.ones((0, 3), np.float32), np.zeros(3, int), nothing, 4
    )
    assert none.rows.tolist() == [[NO_ITEM] * 4] * 2
    assert np.isneginf(none.scores).all()
    nobody = top_k(
        np.ones((0, 3), np.float32), np.ones((5, 3), np.float32), np.zeros(1, int), nothing, 4
    )
    assert nobody.rows.shape == (0, 4)


def test_without_numba_numpy_ranks() -> None:
    users, items, indptr, indices = random_problem(4, n=20)
    expected = ranking.top_k(users, items, indptr, indices, 7)
    with patch.object(ranker, "kernel", None), patch.object(ranker, "_AT_ONCE", 8):
        found = top_k(users, items, indptr, indices, 7)
    np.testing.assert_array_equal(found.rows, expected.rows)
