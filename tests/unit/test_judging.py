import numpy as np
import pytest
from scipy.sparse import csr_matrix

from topshelf.catalog import Movie
from training.judging import MAX_GENRES, Decile, Judge, genre_vectors, ranking_metrics
from training.selection import TemporalSplit, Timeline


def test_metrics_carry_the_names_of_personalize() -> None:
    ranked = np.full((2, 25), -1)
    ranked[0, :2], ranked[1, :1] = [3, 1], [0]
    metrics, gains = ranking_metrics(ranked, csr_matrix(np.eye(2, 4, 1)), 4)
    # Targets: item 1 for the first, found second; item 2 for the other, not found.
    assert metrics["mean_reciprocal_rank_at_25"] == pytest.approx(0.25)
    assert metrics["coverage"] == pytest.approx(3 / 4)
    assert metrics["precision_at_5"] == pytest.approx(0.1)
    assert metrics["precision_at_25"] == pytest.approx(0.02)
    assert gains == pytest.approx([1 / np.log2(3), 0])
    expected = {"coverage", "mean_reciprocal_rank_at_25"}
    for k in (5, 10, 25):
        expected |= {f"normalized_discounted_cumulative_gain_at_{k}", f"precision_at_{k}"}
        assert metrics[f"normalized_discounted_cumulative_gain_at_{k}"] == pytest.approx(
            0.5 / np.log2(3)
        )
    assert set(metrics) == expected


def test_a_judge_tells_for_whom_and_of_what() -> None:
    # Four viewers, of whom rows 0 and 2 are asked; items 0..3 have 4, 2, 1, 1 viewers.
    history = Timeline(
        np.array([0, 2, 3, 6, 8]), np.array([0, 1, 0, 0, 1, 2, 0, 3]), np.ones(8, np.float32), 5
    )
    targets = csr_matrix(np.array([[0, 0, 0, 1, 0], [0, 0, 0, 1, 1]], dtype=np.float32))
    split = TemporalSplit(history, targets, np.array([0, 2]))
    judge = Judge.of(split, np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0]], np.float32))
    ranked = np.full((2, 25), -1)
    ranked[0, :2], ranked[1, :1] = [3, 2], [3]
    found = judge.judge(ranked)
    # Bits: items 2 and 3 have one of four viewers.
    assert found.metrics["novelty_at_25"] == pytest.approx(2.0)
    assert found.metrics["intra_list_diversity_at_25"] == pytest.approx(1.0)
    # Shown 0 0 0 1 2: (1*2 + 2*4) / (5 * 3).
    assert found.metrics["exposure_gini_at_25"] == pytest.approx(10 / 15)
    ideal = 1 + 1 / np.log2(3)
    assert [(one.tenth, one.smallest, one.entries, one.value) for one in found.by_activity] == [
        (3, 2, 1, 1.0),
        (8, 3, 1, pytest.approx(1 / ideal)),
    ]
    # Targets: item 3 twice (one viewer, found), item 4 once (none, not found).
    assert found.by_popularity == (Decile(2, 0, 0, 1, 0.0), Decile(7, 1, 1, 2, 1.0))
    assert found.gains == pytest.approx([1.0, 1 / ideal])


def test_genres_of_items_in_the_order_of_their_rows() -> None:
    movies = {
        "a": Movie(item_id="a", title="A", genres=("War", "Drama")),
        "c": Movie(item_id="c", title="C", genres=("War",)),
        "z": Movie(item_id="z", title="Z", genres=("Noir",)),
    }
    assert genre_vectors(("a", "b", "c"), movies).tolist() == [[1, 1], [0, 0], [0, 1]]
    assert genre_vectors(("b",), movies).shape == (1, 0)


def test_genres_that_few_items_have_are_left_out_where_there_are_many() -> None:
    own = [Movie(item_id=f"m{i}", title="x", genres=("all", f"g{i:02d}")) for i in range(70)]
    own.append(Movie(item_id="m70", title="x", genres=("g69",)))
    movies = {movie.item_id: movie for movie in own}
    vectors = genre_vectors(tuple(movies), movies)
    # "all" has 70 items and g69 two; of the others, one each, the first 62 by name.
    assert vectors.shape == (71, MAX_GENRES)
    assert vectors.sum(axis=0).tolist() == [70.0] + [1.0] * 62 + [2.0]
