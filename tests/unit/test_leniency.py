import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.features import ConfidenceWeights, event_confidences
from topshelf.leniency import leniencies


def test_it_is_the_mean_above_that_of_all_and_shrunk_where_ratings_are_few() -> None:
    viewers = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    ratings = np.array([5.0, 5.0, 4.0, 2.0, 2.0, 2.0, 3.0, 3.0])
    # The mean of all is 26/8 = 3.25. Viewer 0: (1.75 + 1.75 + .75) / (3 + 5); viewer 1:
    # (-1.25 * 3 - .25 * 2) / (5 + 5); viewer 2 has rated nothing.
    assert leniencies(viewers, ratings, 3).tolist() == [
        pytest.approx(4.25 / 8, abs=1 / 1024),
        pytest.approx(-4.25 / 10, abs=1 / 1024),
        0.0,
    ]


def test_nobody_who_rates_is_nobody_who_is_lenient() -> None:
    assert leniencies(np.empty(0, np.int32), np.empty(0), 2).tolist() == [0.0, 0.0]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_ratings_changes_no_bit(rows, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))
    first, second = (
        leniencies(np.array([v for v, _ in some]), np.array([r / 2 for _, r in some]), 4)
        for some in (rows, shuffled)
    )
    assert first.tobytes() == second.tobytes()
    # Few digits say it whole: a list keeps it as a decimal.
    assert all(float(str(x)) == x and len(str(x)) <= 13 for x in first.tolist())


def test_leniency_is_taken_off_ratings_as_far_as_the_weights_say() -> None:
    types, values = np.array(["rating", "rating", "watch"]), np.array([4.0, 1.0, 0.5])
    lenient = np.array([1.0, 1.0, 1.0])

    def strengths(centred: float) -> list[float]:
        weights = ConfidenceWeights(
            alpha=1.0,
            rating_min=1.0,
            rating_max=5.0,
            rating_floor=0.0,
            rating_top=1.0,
            rating_centred=centred,
            watch_floor=0.0,
        )
        found: list[float] = (event_confidences(types, values, weights, lenient) - 1).tolist()
        return found

    assert strengths(0.0) == [0.75, 0.0, 0.5]
    assert strengths(0.5) == [0.625, 0.0, 0.5]
    assert strengths(1.0) == [0.5, 0.0, 0.5]
