import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from topshelf.features import ConfidenceWeights, combine_evidence
from topshelf.returning import DAY, is_return, returned_confidences
from training.pair_evidence import pair_evidence


def days(*given: float) -> np.ndarray:
    return (np.array(given) * DAY).astype(np.int64)


def test_a_watch_on_a_later_day_than_the_first_event_of_its_pair_is_a_return() -> None:
    pairs = np.array([1, 1, 1, 2, 2, 3])
    #             viewed, watched that day, the next; two days of watching; once
    times = days(5.1, 5.9, 6.0, 5.5, 7.5, 9.0)
    watched = np.array([False, True, True, True, True, True])
    expected = [False, False, True, False, True, False]
    assert is_return(pairs, times, watched).tolist() == expected
    order = np.array([5, 2, 4, 0, 3, 1])
    assert is_return(pairs[order], times[order], watched[order]).tolist() == [
        expected[place] for place in order
    ]


def test_neither_a_view_nor_a_rating_is_a_return() -> None:
    pairs, times = np.array([1, 1, 1]), days(1.0, 2.0, 3.0)
    assert not is_return(pairs, times, np.array([True, False, False])).any()


def test_what_a_history_holds_is_of_the_last_day_that_it_knows() -> None:
    pairs, times, watched = np.array([1, 1, 2]), days(8.2, 9.1, 9.1), np.array([True] * 3)
    held = np.array([True, True, False])
    known_until = int(days(8.5)[0])
    found = is_return(pairs, times, watched, held=held, known_until=known_until)
    assert found.tolist() == [False, True, False]


def test_a_return_is_so_much_stronger() -> None:
    weights = ConfidenceWeights(alpha=2.0, rewatched=0.25)
    raised = returned_confidences(np.array([1.5, 3.0], np.float32), weights)
    assert raised.tolist() == [2.0, 3.5]
    assert raised.dtype == np.float32


events = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 5),
        st.sampled_from(["watch", "rating", "view"]),
        st.sampled_from([1.0, 1.25, 1.5]),
    ),
    max_size=30,
)


@given(events)
def test_a_training_raises_the_returns_of_all_pairs(rows: list[tuple]) -> None:  # type: ignore[type-arg]
    users, items, half_days = (np.array([row[i] for row in rows], np.int32) for i in range(3))
    times = half_days.astype(np.int64) * DAY // 2
    types = np.array([row[3] for row in rows], dtype=np.str_)
    confidences = np.array([row[4] for row in rows], np.float32)
    watched, rated = types == "watch", types == "rating"
    returned = confidences + np.float32(0.5)
    found = pair_evidence(
        users,
        items,
        times,
        rated,
        confidences,
        shape=(3, 4),
        watched=watched,
        returned=returned,
    )
    pairs = users.astype(np.int64) * 4 + items
    raised = np.where(is_return(pairs, times, watched), returned, confidences)
    expected = combine_evidence(pairs, times, rated, raised)
    np.testing.assert_array_equal(found.matrix.data, expected.confidences)
    np.testing.assert_array_equal(found.last_times, expected.last_times)
