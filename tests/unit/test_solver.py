"""Both solvers of a half step, beside implicit's own and beside exact solutions."""

import subprocess
import sys

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.factors import Regularization, fold_in, gram_matrix
from training import bucketed, compiling, kernel
from training.als import ALSParameters, fit_als


def random_matrix(seed: int, n: int = 300, m: int = 90) -> csr_matrix:
    """Rows of 0 to 40 entries; the last has none."""
    rng = np.random.default_rng(seed)
    dense = (rng.random((n, m)) < rng.random((n, 1)) * 0.5) * (1.5 + rng.random((n, m)))
    dense[-1] = 0
    return csr_matrix(dense.astype(np.float32))


def with_negatives(seed: int) -> csr_matrix:
    """The same, with preference 0 at three of ten entries."""
    matrix = random_matrix(seed)
    matrix.data[np.random.default_rng(seed).random(matrix.nnz) < 0.3] *= -1
    return matrix


def start(seed: int, n: int, f: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).standard_normal((n, f), dtype=np.float32) * 0.1


@pytest.mark.parametrize("f", [1, 6, 8, 19])
def test_repeated_steps_come_to_the_exact_fold_in(f: int) -> None:
    matrix, fixed = random_matrix(f), start(1, 90, f)
    solved = start(2, 300, f)
    regularization = Regularization(0.02, 1.0)
    rows = [matrix.data[a:b] for a, b in zip(matrix.indptr, matrix.indptr[1:], strict=False)]
    of_rows = np.array([regularization.of(row, 90) for row in rows], dtype=np.float32)
    with threadpool_limits(1, "blas"):
        for _ in range(12):
            kernel.half_step(matrix, of_rows, fixed, solved, 2)
    gram = gram_matrix(fixed)
    for row in (0, 5, 150, 299):
        own = slice(matrix.indptr[row], matrix.indptr[row + 1])
        exact = fold_in(fixed, gram, matrix.indices[own], matrix.data[own], regularization)
        np.testing.assert_allclose(solved[row], exact, rtol=1e-3, atol=1e-4)
    assert not solved[299].any()


@pytest.mark.parametrize("made", [random_matrix, with_negatives])
@pytest.mark.parametrize("solver", [kernel, bucketed], ids=["numba", "implicit"])
def test_with_one_regularization_for_all_a_training_is_that_of_implicit(solver, made) -> None:  # type: ignore[no-untyped-def]
    matrix = made(3)
    transposed = matrix.T.tocsr()
    users, items = start(4, 300, 16), start(5, 90, 16)
    with threadpool_limits(1, "blas"):
        oracle = AlternatingLeastSquares(factors=16, regularization=3.0, iterations=8)
        oracle.user_factors, oracle.item_factors = users.copy(), items.copy()
        oracle.fit(matrix, show_progress=False)
        for _ in range(8):
            solver.half_step(matrix, np.full(300, 3, np.float32), items, users, 1)
            solver.half_step(transposed, np.full(90, 3, np.float32), users, items, 1)
    expected = oracle.user_factors @ oracle.item_factors.T
    assert np.corrcoef((users @ items.T).ravel(), expected.ravel())[0, 1] > 0.9999


def test_the_stand_in_is_near_where_rows_differ() -> None:
    matrix, fixed = random_matrix(6), start(1, 90, 8)
    of_rows = (np.diff(matrix.indptr) * 0.05 + 1).astype(np.float32)
    found, near = start(2, 300, 8), start(2, 300, 8)
    with threadpool_limits(1, "blas"):
        kernel.half_step(matrix, of_rows, fixed, found, 1)
        bucketed.half_step(matrix, of_rows, fixed, near, 1)
    assert np.corrcoef(found.ravel(), near.ravel())[0, 1] > 0.99
    assert found.tobytes() != near.tobytes()


def test_threads_change_no_byte_of_many_blocks() -> None:
    matrix, fixed = random_matrix(7, n=20_000), start(1, 90, 32)
    of_rows = np.ones(20_000, dtype=np.float32)
    ends = []
    for threads in (1, 2):
        solved = start(2, 20_000, 32)
        with threadpool_limits(1, "blas"):
            kernel.half_step(matrix, of_rows, fixed, solved, threads)
        ends.append(solved.tobytes())
    assert ends[0] == ends[1]


def test_without_numba_implicit_trains() -> None:
    """In a process of its own, where numba cannot be found."""
    script = """
import sys
sys.modules["numba"] = None
import importlib.util as util
real = util.find_spec
util.find_spec = lambda name, *rest: None if name == "numba" else real(name, *rest)
from tests.unit.test_als import two_tastes
from training.als import ALSParameters, fit_als
from training.solver import SOLVER
found = fit_als(two_tastes(), ALSParameters(factors=6, iterations=4), lambda _: None)
scores = found.users @ found.items.T
print(SOLVER, scores[0, :20].mean() > 5 * abs(scores[0, 20:].mean()))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=90, check=True
    )
    assert ended.stdout.split() == ["implicit", "True"]


def test_a_folder_that_cannot_be_written_costs_the_cache_and_not_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def compiler(*, cache: bool = False, **_: object):  # type: ignore[no-untyped-def]
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiling, "njit", compiler)
    assert compiling.compiled()(print) is print
    assert asked == [True, False]


def test_scaled_regularization_holds_the_well_known_back() -> None:
    """Of two equal tastes, one seen often: scaled, the often seen one is shrunk the more."""
    matrix = random_matrix(8)
    norms = []
    for exponent in (0.0, 1.0):
        parameters = ALSParameters(factors=8, iterations=4, exponent=exponent)
        found = fit_als(matrix, parameters, lambda _: None)
        counts = np.diff(matrix.indptr)
        lengths = np.linalg.norm(found.users, axis=1)
        norms.append(lengths[counts > 30].mean() / lengths[(counts > 3) & (counts < 10)].mean())
    assert norms[1] < norms[0]
