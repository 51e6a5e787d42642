"""What a training and a refresh compute with; numbers worked by hand."""

import numpy as np
import pytest

from topshelf.damping import Damping
from topshelf.recency import Recency
from topshelf.weighing import Weighing

ROWS = np.array([2, 0, 1, 1, 2])
INDPTR = np.array([0, 2, 2, 5])
CONFIDENCES = np.array([2, 3, 2, 5, 3], dtype=np.float32)
HALVES = np.array([0.5, 1.0, 2.0], dtype=np.float32)


def test_by_default_everything_counts_as_it_is() -> None:
    assert Weighing().fitted(ROWS, CONFIDENCES, INDPTR) is CONFIDENCES
    assert Weighing().served(ROWS, CONFIDENCES, INDPTR).tolist() == CONFIDENCES.tolist()


def test_a_strength_is_what_a_confidence_has_beyond_one() -> None:
    weighed = Weighing(item_strengths=HALVES).fitted(ROWS, CONFIDENCES, INDPTR)
    assert weighed.tolist() == [3, 2, 2, 5, 5]
    assert weighed.dtype == np.float32


def test_each_viewer_is_damped_by_the_length_of_the_own_history() -> None:
    damping = Damping(users=1.0, usual_history=6.0)
    weighed = Weighing(damping=damping).fitted(ROWS, CONFIDENCES, INDPTR)
    assert weighed.tolist() == [4, 7, 3, 9, 5]  # strengths by 3 and by 2


def test_both_dampings_multiply() -> None:
    damping = Damping(users=1.0, usual_history=6.0)
    weighing = Weighing(damping=damping, item_strengths=HALVES)
    assert weighing.fitted(ROWS, CONFIDENCES, INDPTR).tolist() == [7, 4, 3, 9, 9]


def test_what_is_served_forgets_and_what_is_fitted_does_not() -> None:
    weighing = Weighing(recency=Recency(half_life=1.0, gain=2.0), item_strengths=HALVES)
    # Of each viewer the newest entry counts double, the one before once, the one before that half.
    served = weighing.served(ROWS, CONFIDENCES, INDPTR)
    assert served.tolist() == pytest.approx([3, 3, 1.5, 5, 9])
    assert weighing.fitted(ROWS, CONFIDENCES, INDPTR).tolist() == [3, 2, 2, 5, 5]


def test_one_viewer_needs_no_pointers() -> None:
    damping = Damping(users=1.0, usual_history=6.0)
    weighing = Weighing(recency=Recency(half_life=1.0), damping=damping)
    alone = weighing.served(ROWS[2:], CONFIDENCES[2:])
    among = weighing.served(ROWS, CONFIDENCES, INDPTR)[2:]
    assert alone.tolist() == among.tolist()


def test_an_empty_history_stays_empty() -> None:
    nothing = np.empty(0, dtype=np.int64)
    weighing = Weighing(damping=Damping(users=1.0), item_strengths=HALVES)
    assert len(weighing.served(nothing, np.empty(0, dtype=np.float32))) == 0
