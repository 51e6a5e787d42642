import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.errors import InvalidInputError
from topshelf.factors import Regularization
from training.als import ALSParameters, fit_als, regularization_of

SMALL = ALSParameters(factors=6, iterations=4, regularization=1.0, exponent=0.0)


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
        fit_als(
            two_tastes(), ALSParameters(factors=6, regularization=1e4, exponent=0.0), lambda _: None
        )


def test_factors_that_are_no_numbers_are_refused() -> None:
    broken = two_tastes()
    broken.data[3] = np.nan
    with pytest.raises(InvalidInputError, match="raise the regularization"):
        fit_als(broken, SMALL, lambda _: None)


@pytest.mark.parametrize("wrong", ["factors", "iterations", "regularization", "shrinkage"])
def test_parameters_are_checked(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="above 0"):
        ALSParameters(**{wrong: 0})


def test_the_exponent_is_checked() -> None:
    with pytest.raises(InvalidInputError, match=r"0\.\.2"):
        ALSParameters(exponent=-0.1)


def test_a_derived_regularization_follows_the_degrees() -> None:
    # Degrees over events: rows 4, 4; columns 2, 2, 2, 2: 0.5 * (sqrt 4 + sqrt 2), confidence 1.
    full = csr_matrix(np.ones((2, 4), dtype=np.float32))
    flat = ALSParameters(shrinkage=0.5, exponent=0.0)
    assert regularization_of(flat, full).scale == pytest.approx(0.5 * (2 + 2**0.5))
    # Rows 3, 1: (9 + 1) / 4 events; columns 2, 1, 1: (4 + 1 + 1) / 4 events; confidence 4.
    ragged = csr_matrix(np.array([[4, 4, 4], [4, 0, 0]], dtype=np.float32))
    edge = (2.5**0.5 + 1.5**0.5) * 4**0.5
    assert regularization_of(flat, ragged).scale == pytest.approx(0.5 * edge)
    # The average viewer's confidences sum to 3 + 12/2, the average item's to 2 + 12/3.
    scaled = regularization_of(ALSParameters(shrinkage=0.5, exponent=1.0), ragged)
    assert scaled == Regularization(pytest.approx(0.5 * edge / (9 * 6) ** 0.5), 1.0)


def test_a_given_regularization_stands() -> None:
    given = ALSParameters(regularization=9.0, exponent=0.5)
    assert regularization_of(given, two_tastes()) == Regularization(9.0, 0.5)
