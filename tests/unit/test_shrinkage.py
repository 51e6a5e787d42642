"""The shrinkage is what the newest items before the test say."""

from dataclasses import replace

import numpy as np
import pytest

from topshelf.damping import Damping
from topshelf.recency import Recency
from training.als import USUAL_SHRINKAGE, ALSParameters
from training.selection import Timeline, split_by_time
from training.shrinkage import MOST_TRIALS, ShrinkageChoice, choose_shrinkage, climb
from training.study import StudyOptions

ALS = ALSParameters(factors=8, iterations=4)
SIZES = {"viewers": 400, "items": 120, "length": 20}


def histories(noise: float, seed: int = 1) -> Timeline:
    """Viewers of one of four kinds of film; of each history a share is any film."""
    rng = np.random.default_rng(seed)
    n, items, length = SIZES["viewers"], SIZES["items"], SIZES["length"]
    kinds = rng.integers(4, size=n)
    rows = []
    for kind in kinds.tolist():
        weights = np.full(items, noise / items)
        weights[kind * items // 4 : (kind + 1) * items // 4] += (1 - noise) / (items // 4)
        rows.append(rng.choice(items, size=length, replace=False, p=weights))
    indptr = np.arange(0, n * length + 1, length)
    return Timeline(indptr, np.concatenate(rows), np.full(n * length, 2.5, np.float32), items)


def chosen(timeline: Timeline, als: ALSParameters = ALS, entries: int = 10**6) -> ShrinkageChoice:
    return choose_shrinkage(
        timeline,
        als,
        recency=Recency(),
        damping=Damping(),
        options=StudyOptions(sample_entries=entries),
    )


def test_the_better_few_kinds_tell_a_viewer_the_more_of_the_rest_is_noise() -> None:
    longer = replace(ALS, iterations=8)
    found = chosen(histories(0.3), longer)
    tried = dict(found.tried)
    assert found.shrinkage > USUAL_SHRINKAGE > chosen(histories(0.85), longer).shrinkage
    assert found.users == SIZES["viewers"]
    assert tried[found.shrinkage] == max(tried.values())
    assert tried[found.shrinkage] > tried[USUAL_SHRINKAGE] * 1.05
    assert list(tried) == sorted(tried)
    assert next(iter(tried)) == USUAL_SHRINKAGE


@pytest.mark.parametrize(
    ("heights", "top", "asked"),
    [
        ({0: 5, 1: 4, -1: 4}, 0, [0, 1, -1]),
        ({0: 5, 1: 5, -1: 5}, 0, [0, 1, -1]),
        ({0: 5, 1: 6, 2: 7, 3: 6}, 2, [0, 1, 2, 3]),
        ({0: 5, 1: 6, 2: 7, 3: 8}, 3, [0, 1, 2, 3]),
        ({0: 5, 1: 4, -1: 6, -2: 7, -3: 8}, -3, [0, 1, -1, -2, -3]),
    ],
)
def test_it_climbs_one_way_until_it_falls(
    heights: dict[int, float], top: int, asked: list[int]
) -> None:
    told: list[int] = []

    def gain(step: int) -> float:
        told.append(step)
        return heights[step]

    assert climb(gain, 3) == top
    assert told == asked


def test_the_test_takes_no_part() -> None:
    """Other newest items give the same choice, by the same figures."""
    timeline = histories(0.7)
    held = split_by_time(timeline, np.random.default_rng(0)).history
    newest = timeline.rows.copy()
    last = np.arange(len(newest)) % SIZES["length"] >= SIZES["length"] * 4 // 5
    assert last.sum() == len(newest) - len(held.rows)
    newest[last] = (newest[last] + 60) % SIZES["items"]
    assert chosen(replace(timeline, rows=newest)) == chosen(timeline)


def test_with_few_viewers_nothing_is_tried() -> None:
    timeline = histories(0.7).of(np.arange(150))
    assert chosen(timeline) == ShrinkageChoice(USUAL_SHRINKAGE, (), 0)


def test_it_is_chosen_by_a_sample_and_again_the_same() -> None:
    timeline = histories(0.7)
    found = chosen(timeline, entries=5_000)
    assert 200 <= found.users <= 251
    assert chosen(timeline, entries=5_000) == found


def test_a_shrinkage_that_leaves_nothing_is_none() -> None:
    """Pure noise: nothing is worth keeping, and the climb ends where a training collapses."""
    found = chosen(histories(1.0))
    assert found.shrinkage in dict(found.tried)
    assert len(found.tried) <= MOST_TRIALS


@pytest.mark.parametrize("given", [0.2, 3.0])
def test_what_was_given_plays_no_part(given: float) -> None:
    timeline = histories(0.7)
    assert chosen(timeline, replace(ALS, regularization=given)) == chosen(timeline)
