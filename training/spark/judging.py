"""The evaluation of training.evaluate, on viewers that are shared out.

Every viewer's newest items are held out and all histories are trained on; the viewers who are asked
are few enough to come to the driver, and there the single machine's own judge looks at them.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD, StorageLevel
from scipy.sparse import vstack

from topshelf.breadth import self_information
from topshelf.errors import InvalidInputError
from topshelf.metrics import paired_bootstrap_ratio
from topshelf.ranking import top_k
from training.evaluate import Evaluation, rank
from training.judging import DEEPEST, Judge
from training.selection import MAX_USERS, TemporalSplit, Timeline, split_by_time
from training.spark.als import SharedModel

__all__ = ["evaluate_shared", "tested_histories"]


def evaluate_shared(
    timelines: RDD[Timeline],
    fit: Callable[[RDD[Timeline]], SharedModel],
    seed: int,
    vectors: NDArray[np.float32],
    *,
    max_users: int = MAX_USERS,
) -> Evaluation:
    """Trains on the histories and compares ALS with popularity on the newest fifth.

    Args:
        timelines: Of some viewers each, in the order of the viewers.
        fit: Trains on histories.
        seed: Chooses the viewers who are asked, and draws the bootstrap.
        vectors: What items are like, (n_items, d); without columns the factors are taken.
        max_users: Most viewers to ask.

    Raises:
        InvalidInputError: Nobody has five items, or the parameters lead to no usable factors.
    """
    splits = timelines.map(_split).persist(StorageLevel.MEMORY_AND_DISK)
    counts = splits.mapPartitionsWithIndex(_count).collect()
    total = sum(count for _, count in counts)
    if total == 0:
        raise InvalidInputError(
            "events", "no user has five items, so none can be held out; bring more events"
        )
    rng = np.random.default_rng(seed)
    asked = np.arange(total)
    if total > max_users:
        # As split_by_time draws: the same viewers as on one machine.
        asked = np.sort(rng.choice(total, size=max_users, replace=False))
    shared = fit(splits.map(lambda split: split.history))
    sample = _together(splits.mapPartitionsWithIndex(_asked_of(counts, asked)).collect())
    splits.unpersist()
    return _judged(sample, shared, vectors, rng)


def tested_histories(timelines: RDD[Timeline]) -> RDD[Timeline]:
    """What every viewer's history is in the test: without the newest fifth."""
    return timelines.map(lambda timeline: _split(timeline).history)


def _judged(
    sample: TemporalSplit,
    shared: SharedModel,
    vectors: NDArray[np.float32],
    rng: np.random.Generator,
) -> Evaluation:
    viewers, known = shared.degrees.viewers, sample.history
    judge = Judge(
        targets=sample.targets,
        activity=known.lengths(),
        viewers=viewers,
        information=self_information(viewers, shared.degrees.users),
        vectors=vectors if vectors.shape[1] else shared.items,
    )
    seen = known.matrix()
    ones = np.ones((known.n_users, 1), dtype=np.float32)
    popular = viewers.astype(np.float32)[:, None]
    models = {
        "als": judge.judge(rank(shared.model(), known).rows),
        "popularity": judge.judge(top_k(ones, popular, seen.indptr, seen.indices, DEEPEST).rows),
    }
    ratio = paired_bootstrap_ratio(models["als"].gains, models["popularity"].gains, rng)
    return Evaluation(models, ratio, known.n_users, sample, judge)


def _split(timeline: Timeline) -> TemporalSplit:
    # Nobody is drawn here: that is for all viewers together.
    everybody = max(1, timeline.n_users)
    return split_by_time(timeline, np.random.default_rng(0), max_users=everybody)


def _count(index: int, splits: Iterable[TemporalSplit]) -> Iterator[tuple[int, int]]:
    yield index, sum(len(split.users) for split in splits)


def _asked_of(
    counts: list[tuple[int, int]], asked: NDArray[np.int64]
) -> Callable[[int, Iterable[TemporalSplit]], Iterator[TemporalSplit]]:
    """What gives the part of a partition's split that is asked; asked are places among all."""
    ends = np.cumsum([count for _, count in counts])
    firsts = {index: int(end) - count for (index, count), end in zip(counts, ends, strict=True)}
    own = {
        index: asked[(asked >= firsts[index]) & (asked < firsts[index] + count)] - firsts[index]
        for index, count in counts
    }

    def chosen(index: int, splits: Iterable[TemporalSplit]) -> Iterator[TemporalSplit]:
        for split in splits:
            rows = own[index]
            known = split.history.of(split.users[rows])
            yield TemporalSplit(known, split.targets[rows], np.arange(len(rows)))

    return chosen


def _together(parts: list[TemporalSplit]) -> TemporalSplit:
    histories = [part.history for part in parts]
    lengths = np.concatenate([history.lengths() for history in histories])
    history = Timeline(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([history.rows for history in histories]),
        np.concatenate([history.confidences for history in histories]),
        histories[0].n_items,
    )
    targets = vstack([part.targets for part in parts], format="csr")
    return TemporalSplit(history, targets, np.arange(history.n_users))
