import numpy as np
import pytest

from topshelf.damping import Damping
from topshelf.recency import Recency
from training.selection import Timeline, sample_users, split_by_time, weighing_for


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def timeline(*histories: list[int], n_items: int = 12) -> Timeline:
    """Confidences grow along a history: 1.5, 2, 2.5, ..."""
    lengths = [len(one) for one in histories]
    return Timeline(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.array([row for one in histories for row in one]),
        np.concatenate([np.arange(n, dtype=np.float32) / 2 + 1.5 for n in lengths]),
        n_items,
    )


def test_the_newest_fifth_is_asked_for() -> None:
    # The first viewer saw 9, 8, ... 0 in that order; the second has too few for a fifth.
    split = split_by_time(timeline(list(range(9, -1, -1)), [1, 0, 3, 2]), rng())
    assert split.users.tolist() == [0]
    assert split.targets.toarray().tolist() == [[1, 1] + [0] * 10]
    assert split.history.rows.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 3, 2]
    assert split.history.indptr.tolist() == [0, 8, 12]
    assert split.history.confidences[:3].tolist() == [1.5, 2.0, 2.5]
    assert split.known().rows.tolist() == [9, 8, 7, 6, 5, 4, 3, 2]


def test_the_validation_is_the_newest_fifth_before_the_test() -> None:
    test = split_by_time(timeline(list(range(10))), rng())
    validation = split_by_time(test.history, rng())
    assert np.flatnonzero(test.targets.toarray()).tolist() == [8, 9]
    assert np.flatnonzero(validation.targets.toarray()).tolist() == [7]
    assert validation.history.rows.tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("n", "held"), [(4, 0), (5, 1), (9, 1), (10, 2), (11, 2)])
def test_a_fifth_is_rounded_down(n: int, held: int) -> None:
    assert split_by_time(timeline(list(range(n))), rng()).targets.nnz == held


def test_asked_viewers_are_drawn_and_everybodys_newest_items_held_out() -> None:
    many = timeline(*[list(range(5))] * 50)
    first, second = (split_by_time(many, rng(), max_users=7) for _ in range(2))
    assert first.users.tolist() == second.users.tolist() == sorted(set(first.users.tolist()))
    assert first.targets.shape == (7, 12)
    assert len(first.history.rows) == 50 * 4


def test_a_matrix_has_ascending_columns_and_the_timeline_keeps_its_order() -> None:
    one = timeline([5, 2, 9])
    matrix = one.matrix()
    assert matrix.indices.tolist() == [2, 5, 9]
    assert matrix.data.tolist() == [2.0, 1.5, 2.5]
    assert one.matrix(np.array([7, 8, 9], dtype=np.float32)).data.tolist() == [8, 7, 9]
    assert one.rows.tolist() == [5, 2, 9]


def test_histories_of_some_viewers_come_in_the_order_asked_for() -> None:
    found = timeline([1, 2], [], [3, 0, 4]).of(np.array([2, 1, 0]))
    assert found.rows.tolist() == [3, 0, 4, 1, 2]
    assert found.indptr.tolist() == [0, 3, 3, 5]
    assert found.lengths().tolist() == [3, 0, 2]
    assert found.viewers().tolist() == [1, 1, 1, 1, 1] + [0] * 7


def test_a_sample_is_of_whole_viewers_within_the_bound() -> None:
    many = timeline(*[list(range(6))] * 40)
    sample = sample_users(many, rng(), 50)
    assert sample.n_users == 8
    assert set(sample.lengths().tolist()) == {6}
    assert sample_users(many, rng(), 240) is many


def test_what_is_common_is_told_by_the_histories() -> None:
    # Viewers of items 0 and 1: 3 and 1, of the usual item 2. Histories of 2, 1 and 1: usually 4/3.
    few = timeline([0, 1], [0], [0], n_items=3)
    recency = Recency(half_life=2.0)
    weighing = weighing_for(few, recency, Damping(items=1.0, users=0.5))
    assert weighing.item_strengths == pytest.approx([2 / 3, 2.0, 2.0])
    assert weighing.damping == Damping(items=1.0, users=0.5, usual_history=4 / 3)
    assert weighing.recency == recency
    assert weighing_for(few, recency, Damping()).item_strengths is None
