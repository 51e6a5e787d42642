import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from topshelf.features import combine_evidence
from training.pair_evidence import in_order_of_time, pair_evidence

USERS, ITEMS = 4, 5
events = st.lists(
    st.tuples(
        st.integers(0, USERS - 1),
        st.integers(0, ITEMS - 1),
        st.integers(1, 4),
        st.booleans(),
        st.sampled_from([1.0, 1.25, 1.5, 2.5]),
    ),
    max_size=40,
)


# The first example compiles the loops.
@settings(deadline=None)
@given(events)
def test_it_is_the_evidence_of_the_pairs(rows: list[tuple[int, int, int, bool, float]]) -> None:
    users, items, times, rated, confidences = (
        np.array([row[i] for row in rows], dtype)
        for i, dtype in enumerate((np.int32, np.int32, np.int64, np.bool_, np.float32))
    )
    found = pair_evidence(users, items, times, rated, confidences, shape=(USERS, ITEMS))
    pairs = users.astype(np.int64) * ITEMS + items
    expected = combine_evidence(pairs, times, rated, confidences)
    matrix = found.matrix
    owners = np.repeat(np.arange(USERS), np.diff(matrix.indptr))
    np.testing.assert_array_equal(owners * ITEMS + matrix.indices, expected.pairs)
    np.testing.assert_array_equal(matrix.data, expected.confidences)
    np.testing.assert_array_equal(found.last_times, expected.last_times)
    order = np.lexsort((matrix.indices, found.last_times, owners))
    ordered = in_order_of_time(matrix.indptr, matrix.indices, matrix.data, found.last_times)
    np.testing.assert_array_equal(ordered[0], matrix.indices[order])
    np.testing.assert_array_equal(ordered[1], matrix.data[order])


def test_a_rating_replaces_what_came_before_it_and_stands_beside_what_comes_after() -> None:
    times = np.array([1, 2, 2, 3, 1], np.int64)
    rated = np.array([False, True, False, False, False])
    confidences = np.array([2.5, 1.25, 2.25, 1.5, 2.0], np.float32)
    users, items = np.array([[0, 0, 0, 0, 1], [1, 1, 1, 1, 0]], np.int32)
    found = pair_evidence(users, items, times, rated, confidences, shape=(2, 2))
    # The view of 1 and that at the rating's own time are overridden; the one of 3 is stronger.
    assert found.matrix.toarray().tolist() == [[0, 1.5], [2.0, 0]]
    assert found.last_times.tolist() == [3, 1]


def test_of_equal_times_the_lower_column_is_first() -> None:
    indptr, columns = np.array([0, 4, 5], np.int32), np.array([2, 5, 7, 9, 1], np.int32)
    confidences = np.array([1, 2, 3, 4, 5], np.float32)
    rows, weights = in_order_of_time(indptr, columns, confidences, np.array([8, 3, 8, 3, 1]))
    assert rows.tolist() == [5, 9, 2, 7, 1]
    assert weights.tolist() == [2, 4, 1, 3, 5]
