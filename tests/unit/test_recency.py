"""How a history's end is leaned on; numbers worked by hand."""

import numpy as np
import pytest

from topshelf.factors import Regularization
from topshelf.recency import Recency

CONFIDENCES = np.array([3, 5, 2, 2, 3], dtype=np.float32)


def test_without_a_half_life_nothing_is_weighed() -> None:
    assert Recency().weigh(CONFIDENCES) is CONFIDENCES


def test_half_is_left_after_the_half_life() -> None:
    weighed = Recency(half_life=2.0).weigh(CONFIDENCES)
    expected = [1.5, 1 + 4 / 8**0.5, 1.5, 1 + 1 / 2**0.5, 3]
    assert weighed.tolist() == pytest.approx(expected)
    assert weighed.dtype == np.float32


def test_age_is_counted_within_each_history() -> None:
    indptr = np.array([0, 2, 2, 5])
    weighed = Recency(half_life=1.0).weigh(CONFIDENCES, indptr)
    assert weighed.tolist() == [2, 5, 1.25, 1.5, 3]


def test_the_newest_entry_has_the_gain() -> None:
    weighed = Recency(half_life=1.0, gain=4.0).weigh(CONFIDENCES[:2])
    assert weighed.tolist() == [5, 17]


def test_a_gain_alone_weighs_all_alike() -> None:
    weighed = Recency(gain=0.5).weigh(CONFIDENCES)
    assert weighed.tolist() == [2, 3, 1.5, 1.5, 2]
    assert weighed.dtype == np.float32


def test_an_empty_history_stays_empty() -> None:
    assert len(Recency(half_life=1.0).weigh(CONFIDENCES[:0])) == 0


def test_restraint_scales_lambda_and_nothing_else() -> None:
    served = Recency(restraint=3.0).regularization(Regularization(0.5, 0.25))
    assert served == Regularization(1.5, 0.25)
    assert Recency().regularization(served) == served


@pytest.mark.parametrize("name", ["half_life", "gain", "restraint"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_what_must_be_positive_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="recency half_life, gain and restraint must be above"):
        Recency(**{name: value})
