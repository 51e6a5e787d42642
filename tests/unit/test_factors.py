import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.factors import Regularization, explain, fold_in, gram_matrix

UNIT = Regularization(1.0)


def random_model(seed: int, n_items: int = 40, f: int = 8):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    items = rng.normal(size=(n_items, f)).astype(np.float32)
    rows = np.sort(rng.choice(n_items, size=rng.integers(1, 20), replace=False))
    confidences = (1 + rng.random(len(rows)) * 5).astype(np.float32)
    return items, gram_matrix(items), rows, confidences


def oracle(items: np.ndarray, regularization: float) -> AlternatingLeastSquares:  # type: ignore[type-arg]
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=items.shape[1], regularization=regularization, num_threads=1
        )
    model.item_factors = items
    return model


@given(seed=st.integers(0, 10_000), regularization=st.sampled_from([0.01, 1.0, 20.0]))
@settings(deadline=None, max_examples=30)
def test_fold_in_is_the_step_that_implicit_takes(seed: int, regularization: float) -> None:
    items, gram, rows, confidences = random_model(seed)
    history = csr_matrix((confidences, rows, [0, len(rows)]), shape=(1, len(items)))
    with threadpool_limits(1, "blas"):
        expected = oracle(items, regularization).recalculate_user(0, history)
    found = fold_in(items, gram, rows, confidences, Regularization(regularization))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4)


def test_fold_in_worked_by_hand() -> None:
    # Y = [1, 2], Y'Y = 5, history item 0 with c = 3: x = (5 + 2*1 + 1)^-1 * 3 = 3/8.
    items = np.array([[1.0], [2.0]], dtype=np.float32)
    confidences = np.array([3.0], dtype=np.float32)
    assert fold_in(items, gram_matrix(items), np.array([0]), confidences, UNIT).tolist() == [0.375]


def test_a_row_is_held_back_by_what_is_known_of_it() -> None:
    # 10 items, two observed with 3 and 1.5: confidences sum to 10 + 2 + 0.5.
    known = np.array([3.0, 1.5], dtype=np.float32)
    assert Regularization(2.0, 1.0).of(known, 10) == 25.0
    assert Regularization(2.0, 0.5).of(known, 10) == pytest.approx(2 * 12.5**0.5)
    assert Regularization(2.0).of(known, 10) == 2.0
    assert Regularization(2.0, 1.0).of(known[:0], 10) == 20.0


def test_fold_in_with_a_scaled_regularization_worked_by_hand() -> None:
    # As above; confidences sum to 2 + 2, so lambda is 4 * 0.5: x = (5 + 2*1 + 2)^-1 * 3 = 1/3.
    items = np.array([[1.0], [2.0]], dtype=np.float32)
    confidences = np.array([3.0], dtype=np.float32)
    found = fold_in(items, gram_matrix(items), np.array([0]), confidences, Regularization(0.5, 1))
    assert found.tolist() == [pytest.approx(1 / 3)]


def test_no_history_is_no_taste() -> None:
    items, gram, _, _ = random_model(1)
    empty = np.empty(0, dtype=np.int64)
    assert not fold_in(items, gram, empty, np.empty(0, np.float32), UNIT).any()


def test_factors_that_are_no_numbers_are_refused() -> None:
    items, _, rows, confidences = random_model(1)
    with pytest.raises(np.linalg.LinAlgError):
        fold_in(items, -gram_matrix(items), rows, confidences, UNIT)


def test_explain_names_the_item_that_implicit_finds_to_contribute_most() -> None:
    for seed in range(20):
        items, gram, rows, confidences = random_model(seed)
        history = csr_matrix((confidences, rows, [0, len(rows)]), shape=(1, len(items)))
        recommended = np.array([i for i in range(40) if i not in rows][:5])
        found = explain(
            items, gram, rows, confidences, regularization=UNIT, recommended=recommended
        )
        with threadpool_limits(1, "blas"):
            for item, because in zip(recommended, found, strict=True):
                _, best, _ = oracle(items, 1.0).explain(0, history, int(item), N=1)
                assert because == best[0][0]


def test_an_empty_history_explains_nothing() -> None:
    items, gram, rows, confidences = random_model(3)
    with pytest.raises(ValueError, match="empty"):
        explain(items, gram, rows[:0], confidences[:0], regularization=UNIT, recommended=rows)
