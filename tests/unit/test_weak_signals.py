"""The benchmark of weak evidence, on ratings few enough to look at."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.benchmarks.splits import MovieLens, strong_split
from tests.benchmarks.weak_signals import Choice, Told, gains, weak_split
from topshelf.damping import Damping
from topshelf.recency import Recency
from training.als import ALSParameters

CHOICE = Choice(
    weight=0.25,
    alpha=2.0,
    als=ALSParameters(factors=4, regularization=0.1, iterations=2, threads=1),
    damping=Damping(),
    recency=Recency(),
)


def rated() -> MovieLens:
    """40 viewers rate 12 of 30 items; the first four of each are under 4."""
    rng = np.random.default_rng(3)
    items = np.concatenate([rng.permutation(30)[:12] for _ in range(40)])
    likes = np.tile(np.arange(12) >= 4, 40)
    return MovieLens(np.repeat(np.arange(40), 12), items, likes, 40, 30)


def test_viewers_and_targets_are_those_of_the_strong_split() -> None:
    data = rated()
    found = weak_split(data, 1, n_test=8, n_validation=6)
    plain = strong_split(data, 1, n_test=8, n_validation=6)
    assert (found.train.liked != plain.train).nnz == 0
    of_viewer = {
        tuple(sorted(data.items[12 * v + 4 : 12 * v + 12])): sorted(data.items[12 * v : 12 * v + 4])
        for v in range(40)
    }
    for (told, targets), asked in ((found.test, plain.test), (found.validation, plain.validation)):
        assert (told.liked != asked.history).nnz == 0
        assert (targets != asked.targets).nnz == 0
        for row in range(targets.shape[0]):
            liked = tuple(sorted((told.liked + targets)[row].indices.tolist()))
            assert sorted(told.others[row].indices.tolist()) == of_viewer[liked]


def test_a_low_rating_is_weaker_evidence_and_still_positive() -> None:
    told = Told(csr_matrix(np.float32([[1, 0, 0]])), csr_matrix(np.float32([[0, 0, 1]])))
    history = CHOICE.histories(told)
    assert history.rows.tolist() == [0, 2]
    assert history.confidences.tolist() == [3.0, 1.5]
    left_out = replace(CHOICE, weight=0.0).histories(told)
    assert left_out.rows.tolist() == [0]
    assert left_out.confidences.tolist() == [3.0]


@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_what_was_rated_low_is_in_no_ranking(weight: float) -> None:
    """Item 2 is the only one that was not rated: it is first, whatever a model makes of it."""
    rng = np.random.default_rng(5)
    many = rng.random((30, 3)) < 0.6
    train = Told(csr_matrix(many, dtype=np.float32), csr_matrix(~many, dtype=np.float32))
    told = Told(csr_matrix(np.float32([[1, 0, 0]])), csr_matrix(np.float32([[0, 1, 0]])))
    targets = csr_matrix(np.float32([[0, 0, 1]]))
    choice = replace(CHOICE, weight=weight)
    assert gains(choice, train, told, targets).tolist() == [1.0]
