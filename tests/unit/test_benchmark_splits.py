"""The splits of the quality benchmarks, on rows small enough to look at."""

import numpy as np

from tests.benchmarks.protocols import strong_figures, temporal_figures
from tests.benchmarks.splits import MovieLens, strong_split, temporal_split


def one_viewer_of_ten_and_one_of_four() -> MovieLens:
    """Items in the order of time: 9, 8 ... 0, and 3, 0, 1, 2."""
    users = np.repeat([0, 1], [10, 4])
    items = np.concatenate([np.arange(9, -1, -1), [3, 0, 1, 2]])
    return MovieLens(users, items, np.ones(14, dtype=np.bool_), 2, 10)


def test_the_newest_fifth_is_asked_for() -> None:
    found = temporal_split(one_viewer_of_ten_and_one_of_four())
    assert found.targets[0].indices.tolist() == [0, 1]
    assert found.history[0].indices.tolist() == list(range(2, 10))
    # Item 2 is the newest of the history, 9 the oldest.
    assert found.age[:8].tolist() == list(range(8))
    # A fifth of four rows is none.
    assert found.targets[1].nnz == 0
    assert found.history[1].indices.tolist() == [0, 1, 2, 3]
    assert found.age[8:].tolist() == [2, 1, 0, 3]


def test_a_gap_is_neither_known_nor_asked_for() -> None:
    found = temporal_split(one_viewer_of_ten_and_one_of_four(), gap=0.1)
    assert found.targets[0].indices.tolist() == [0, 1]
    assert found.history[0].indices.tolist() == list(range(3, 10))
    assert found.age[:7].tolist() == list(range(7))


def test_hidden_rows_take_no_part() -> None:
    found = temporal_split(one_viewer_of_ten_and_one_of_four(), hidden=0.2)
    # Of the 8 left, a fifth is 1.
    assert found.targets[0].indices.tolist() == [2]
    assert found.history[0].indices.tolist() == list(range(3, 10))


def many(seed: int = 0) -> MovieLens:
    """60 viewers: the first 10 like four things, the others ten of 40; each dislikes one."""
    rng = np.random.default_rng(seed)
    rows = [(u, i) for u in range(60) for i in rng.permutation(40)[: 5 if u < 10 else 11]]
    users, items = np.array(rows).T
    likes = np.concatenate([[False], users[1:] == users[:-1]])
    return MovieLens(users, items, likes, 60, 40)


def test_held_out_viewers_are_apart_and_split_four_to_one() -> None:
    data = many()
    split = strong_split(data, 1, n_test=12, n_validation=8)
    assert split.train.shape == (30, 40)  # 50 like five things or more
    for asked, n in ((split.test, 12), (split.validation, 8)):
        assert np.diff(asked.history.indptr).tolist() == [8] * n
        assert np.diff(asked.targets.indptr).tolist() == [2] * n
        assert asked.history.multiply(asked.targets).nnz == 0
    whole = [split.train, split.test.history + split.test.targets]
    whole.append(split.validation.history + split.validation.targets)
    found = sorted(tuple(row.indices[np.argsort(row.indices)]) for part in whole for row in part)
    liked = [tuple(np.sort(data.items[(data.users == u) & data.likes])) for u in range(10, 60)]
    assert found == sorted(liked)


def test_the_seed_decides_the_split() -> None:
    first, same, other = (strong_split(many(), s, n_test=12, n_validation=8) for s in (1, 1, 2))
    assert (first.test.targets != same.test.targets).nnz == 0
    assert (first.test.targets != other.test.targets).nnz > 0


def test_figures_of_a_perfect_and_of_a_useless_model() -> None:
    asked = strong_split(many(), 1, n_test=12, n_validation=8).test
    eye = np.eye(40, dtype=np.float32)
    perfect = asked.targets.toarray(), eye
    assert set(strong_figures(perfect, asked).values()) == {1.0}
    assert temporal_figures(perfect, asked)["NDCG@10"] == 1.0
    # A model that knows only the history has nothing left: ties, of which rows 0.. come first.
    useless = temporal_figures((asked.history.toarray(), eye), asked)
    assert useless["NDCG@10"] < 0.8
    assert useless["coverage@10"] < 1.0
