import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from implicit.recommender_base import ModelFitError
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.errors import InvalidInputError
from training.als import ALSParameters, fit_als, regularization_of

SMALL = ALSParameters(factors=6, iterations=4, regularization=1.0)


def two_tastes(seed: int = 0) -> csr_matrix:
    """60 viewers of 40 items: even ones like the first half, odd ones the second."""
    rng = np.random.default_rng(seed)
    liked = rng.random((60, 40)) < 0.4
    liked &= (np.arange(60)[:, None] % 2) == (np.arange(40)[None, :] // 20)
    matrix = csr_matrix(liked.astype(np.float32) * 2)
    matrix.sort_indices()
    return matrix


def test_every_user_vector_is_what_implicit_recalculates() -> None:
    matrix = two_tastes()
    found = fit_als(matrix, SMALL, lambda _: None)
    with threadpool_limits(1, "blas"):
        oracle = AlternatingLeastSquares(factors=6, regularization=1.0, num_threads=1)
        oracle.item_factors = found.items
        expected = oracle.recalculate_user(np.arange(60), matrix)
    np.testing.assert_allclose(found.users, expected, rtol=1e-3, atol=1e-4)


def test_tastes_are_learned() -> None:
    found = fit_als(two_tastes(), SMALL, lambda _: None)
    scores = found.users @ found.items.T
    assert scores[0, :20].mean() > 5 * abs(scores[0, 20:].mean())


def test_the_seed_decides_every_byte_and_threads_none() -> None:
    runs = [
        fit_als(two_tastes(), ALSParameters(factors=6, iterations=3, seed=seed, threads=n), print)
        for seed, n in ((5, 1), (5, 2), (6, 1))
    ]
    assert runs[0].users.tobytes() == runs[1].users.tobytes()
    assert runs[0].items.tobytes() == runs[1].items.tobytes()
    assert runs[0].items.tobytes() != runs[2].items.tobytes()
    assert runs[0].users.dtype == runs[0].items.dtype == np.float32


def test_iterations_are_told() -> None:
    told: list[int] = []
    fit_als(two_tastes(), SMALL, told.append)
    assert told == [1, 2, 3, 4]


def test_a_regularization_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="lower it"):
        fit_als(two_tastes(), ALSParameters(factors=6, regularization=1e4), lambda _: None)


def test_factors_that_are_no_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise ModelFitError("NaN encountered in factors")

    monkeypatch.setattr(AlternatingLeastSquares, "fit", diverge)
    with pytest.raises(InvalidInputError, match="raise the regularization"):
        fit_als(two_tastes(), SMALL, lambda _: None)


@pytest.mark.parametrize("wrong", [{"factors": 0}, {"iterations": 0}, {"regularization": 0.0}])
def test_parameters_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="above 0"):
        ALSParameters(**wrong)


def test_a_derived_regularization_follows_the_degrees() -> None:
    # Degrees over events: rows 4, 4; columns 2, 2, 2, 2: 0.7 * (sqrt 4 + sqrt 2).
    full = csr_matrix(np.ones((2, 4), dtype=np.float32))
    assert regularization_of(ALSParameters(), full) == pytest.approx(0.7 * (2 + 2**0.5))
    assert regularization_of(ALSParameters(regularization=9.0), full) == 9.0
    # Rows 3, 1: (9 + 1) / 4 events; columns 2, 1, 1: (4 + 1 + 1) / 4 events.
    ragged = csr_matrix(np.array([[1, 1, 1], [1, 0, 0]], dtype=np.float32))
    expected = 0.5 * (2.5**0.5 + 1.5**0.5)
    assert regularization_of(ALSParameters(shrinkage=0.5), ragged) == pytest.approx(expected)
