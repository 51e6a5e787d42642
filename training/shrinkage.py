"""The shrinkage of a training, chosen on the validation where nobody says it.

training.als.derived_regularization knows how large the noise of the data is, and one number says
how much of it to remove: the better the data is told by few factors, the more. That is the data's
to say, and no formula of sizes: the best of MovieLens' sets lies near a half, that of viewers with
sharper tastes above one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.metrics import hit_matrix, ndcg_at_k
from topshelf.recency import Recency
from training.als import USUAL_SHRINKAGE, ALSParameters
from training.evaluate import fit, rank
from training.lake import Progress
from training.parameters import TrainingParameters
from training.selection import Timeline, sample_users, split_by_time
from training.study import StudyOptions

__all__ = ["MOST_TRIALS", "ShrinkageChoice", "choose_shrinkage", "climb", "settle_shrinkage"]

_MOST_STEPS = 4
"""Either way: a quarter of the usual to four times it."""

MOST_TRIALS = 2 + _MOST_STEPS
"""Trainings at most: the usual, one up, and all the way down."""

_FEWEST_USERS = 200
"""With fewer to ask, the usual shrinkage is the better guess."""

_DEPTH = 10


@dataclass(frozen=True, slots=True)
class ShrinkageChoice:
    """What the validation said.

    Attributes:
        shrinkage: The chosen one.
        tried: Each shrinkage that was tried, in ascending order, and its NDCG@10.
        users: Viewers it was judged by; 0 where too few have enough items, and nothing was tried.
    """

    shrinkage: float
    tried: tuple[tuple[float, float], ...]
    users: int


def choose_shrinkage(
    timeline: Timeline,
    parameters: ALSParameters,
    *,
    recency: Recency,
    damping: Damping,
    options: StudyOptions,
    on_trial: Callable[[int], None] = lambda _done: None,
) -> ShrinkageChoice:
    """Climbs from the usual shrinkage, by steps of the root of two, as long as it gets better.

    Judged are the newest items before those of the test, as in tuning: the test takes no part.

    Args:
        timeline: All histories.
        parameters: Of the training; a regularization of its own is not looked at.
        recency: Of served tastes.
        damping: Of evidence.
        options: How large a sample of the viewers is.
        on_trial: Told the number of trainings done.
    """
    rng = np.random.default_rng(parameters.seed)
    before = split_by_time(sample_users(timeline, rng, options.sample_entries), rng).history
    split = split_by_time(before, rng, max_users=options.sample_users)
    if len(split.users) < _FEWEST_USERS:
        return ShrinkageChoice(USUAL_SHRINKAGE, (), 0)
    known, sizes = split.known(), np.diff(split.targets.indptr)
    tried: dict[int, float] = {}

    def gain(step: int) -> float:
        own = replace(parameters, regularization=None, shrinkage=_shrinkage(step))
        try:
            model = fit(split.history, own, recency=recency, damping=damping)
        except InvalidInputError:
            # Nothing is left of the sample's interactions: no reason to go on that way.
            tried[step] = 0.0
        else:
            ranked = rank(model, known, _DEPTH).rows
            hits = hit_matrix(ranked, split.targets.indptr, split.targets.indices)
            tried[step] = float(ndcg_at_k(hits, sizes, _DEPTH).mean())
        on_trial(len(tried))
        return tried[step]

    best = climb(gain, _MOST_STEPS)
    found = tuple((_shrinkage(step), tried[step]) for step in sorted(tried))
    return ShrinkageChoice(_shrinkage(best), found, len(split.users))


def settle_shrinkage(
    timeline: Callable[[], Timeline], parameters: TrainingParameters, progress: Progress
) -> tuple[TrainingParameters, ShrinkageChoice | None]:
    """The parameters with a shrinkage, and how it was chosen: None where it was given.

    Args:
        timeline: Gives all histories, or a sample of them; asked where there is a choice.
        parameters: Of the training.
        progress: Told of ``choose``.
    """
    als = parameters.als
    if als.regularization is not None or als.shrinkage is not None:
        return parameters, None
    most = MOST_TRIALS + 1
    with threadpool_limits(1, "blas"):
        found = choose_shrinkage(
            timeline(),
            als,
            recency=parameters.recency,
            damping=parameters.damping,
            options=parameters.study,
            on_trial=lambda done: progress("choose", done, most),
        )
    progress("choose", most, most)
    return replace(parameters, als=replace(als, shrinkage=found.shrinkage)), found


def climb(gain: Callable[[int], float], most: int) -> int:
    """The top of a hill that is asked for step by step: up from 0 while it rises, or else down.

    Args:
        gain: Height at a step; asked once for each.
        most: Steps either way.
    """
    top, height = 0, gain(0)
    for way in (1, -1):
        while abs(top + way) <= most and (next_height := gain(top + way)) > height:
            top, height = top + way, next_height
        if top:
            break
    return top


def _shrinkage(step: int) -> float:
    return float(USUAL_SHRINKAGE * 2 ** (step / 2))
