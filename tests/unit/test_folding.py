"""Many viewers at once beside one at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from topshelf.factors import Regularization, explain, fold_in, fold_in_many, gram_matrix
from training import folding
from training.folding import fold_in_users

REGULARIZATION = Regularization(0.3, 0.5)


def histories(seed: int, n: int = 40, m: int = 60, f: int = 19):  # type: ignore[no-untyped-def]
    """Items, and histories of 0 to 59 of them in any order."""
    rng = np.random.default_rng(seed)
    items = rng.standard_normal((m, f), dtype=np.float32)
    seen = [rng.permutation(m)[: rng.integers(0, rng.choice([3, m]))] for _ in range(n)]
    rows = np.concatenate(seen)
    confidences = (1 + rng.random(len(rows)) * 3).astype(np.float32)
    return items, np.cumsum([0, *map(len, seen)]), rows, confidences


@given(seed=st.integers(0, 10_000), f=st.sampled_from([1, 2, 8, 19, 64]))
@settings(deadline=None, max_examples=25)
def test_a_viewer_has_the_same_bytes_alone_and_among_others(seed: int, f: int) -> None:
    items, indptr, rows, confidences = histories(seed, f=f)
    gram = gram_matrix(items)
    known = indptr, rows, confidences
    found = fold_in_many(items, gram, *known, regularization=REGULARIZATION, explained=True)
    wanted = np.random.default_rng(seed).integers(0, 60, (40, 7))
    wanted[np.diff(indptr) == 0] = -1
    because = found.explain(wanted)
    for viewer in range(40):
        own = slice(indptr[viewer], indptr[viewer + 1])
        alone = fold_in(items, gram, rows[own], confidences[own], REGULARIZATION)
        assert alone.tobytes() == found.vectors[viewer].tobytes()
        if own.start == own.stop:
            assert because[viewer].tolist() == [-1] * 7
            continue
        expected = explain(
            items,
            gram,
            rows[own],
            confidences[own],
            regularization=REGULARIZATION,
            recommended=wanted[viewer],
        )
        assert because[viewer].tolist() == expected.tolist()


def test_it_solves_the_normal_equations() -> None:
    items, indptr, rows, confidences = histories(5, f=33)
    known = indptr, rows, confidences
    found = fold_in_many(items, gram_matrix(items), *known, regularization=REGULARIZATION)
    wide = items.astype(np.float64)
    for viewer in range(40):
        own = slice(indptr[viewer], indptr[viewer + 1])
        weights = np.ones(60)
        weights[rows[own]] = confidences[own]
        scale = 0.3 * weights.sum() ** 0.5
        system = (wide.T * weights) @ wide + scale * np.eye(33)
        right = wide[rows[own]].T @ weights[rows[own]]
        np.testing.assert_allclose(
            found.vectors[viewer], np.linalg.solve(system, right), rtol=1e-5, atol=1e-6
        )


def test_shares_worked_by_hand() -> None:
    # Y'Y = 2 I, c = 2 and 4: S = diag(2 + 1 + 1, 2 + 3 + 1), so the shares of item (1, 1) are
    # 2/4 and 4/6, those of the items themselves all of one. A second viewer has the first item.
    items = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], np.float32)
    gram = 2 * np.eye(2)
    known = np.array([0, 2, 3]), np.array([0, 1, 0]), np.array([2, 4, 3], np.float32)
    found = fold_in_many(items, gram, *known, regularization=Regularization(1.0), explained=True)
    np.testing.assert_allclose(found.vectors, [[1 / 2, 2 / 3], [3 / 5, 0]], rtol=1e-6)
    wanted = np.array([[0, 1, 3, -1], [3, -1, -1, -1]])
    assert found.explain(wanted).tolist() == [[0, 1, 1, -1], [0, -1, -1, -1]]


def test_equal_shares_go_to_the_first_in_the_history() -> None:
    items = np.array([[1.0], [1.0], [2.0]], np.float32)
    known = np.array([0, 2]), np.array([1, 0]), np.array([2, 2], np.float32)
    found = fold_in_many(
        items, gram_matrix(items), *known, regularization=REGULARIZATION, explained=True
    )
    assert found.explain(np.array([[2]])).tolist() == [[1]]


def test_nothing_explains_what_is_recommended_for_no_history() -> None:
    items, *_ = histories(1)
    known = np.zeros(2, int), np.empty(0, int), np.empty(0, np.float32)
    found = fold_in_many(
        items, gram_matrix(items), *known, regularization=REGULARIZATION, explained=True
    )
    assert found.explain(np.array([[-1]])).tolist() == [[-1]]
    with pytest.raises(ValueError, match="empty"):
        found.explain(np.array([[3]]))


def test_blocks_and_threads_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    items, indptr, rows, confidences = histories(9)
    matrix = csr_matrix((confidences, rows, indptr), shape=(40, 60))
    gram = gram_matrix(items)
    whole = fold_in_users(items, gram, matrix, REGULARIZATION, 1)
    monkeypatch.setattr(folding, "_BLOCK", 7)
    assert fold_in_users(items, gram, matrix, REGULARIZATION, 2).tobytes() == whole.tobytes()
