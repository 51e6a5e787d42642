"""Offline evaluation: what ALS is worth beside popularity, on the newest part of the data.

Each user's newest 20% of items is held out as the target and the rest is the history, the temporal
split that the field uses; the names of the metrics are Amazon Personalize's. A viewer's taste is
what a deployment would serve: the fold-in of the history, weighed as the lists and a refresh do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.metrics import RatioInterval, paired_bootstrap_ratio
from topshelf.ranking import Ranked
from topshelf.recency import Recency
from topshelf.rerank import Stage, apply_stages
from topshelf.topk import TOP_K
from topshelf.weighing import Weighing
from training.als import ALSFactors, ALSParameters, fit_als, fold_in_users
from training.baselines import popularity, rank_neighbours
from training.checkpoints import Checkpoints
from training.interactions import Interactions
from training.judging import DEEPEST, Judge, Judged
from training.ranker import top_k
from training.selection import TemporalSplit, Timeline, split_by_time, timeline_of, weighing_for
from training.stages import Reranking, StageMaker, histories_of

__all__ = ["Evaluation", "Model", "evaluate", "evaluate_split", "fit", "rank", "served", "tastes"]


@dataclass(frozen=True, slots=True)
class Model:
    """Factors, and how a history is weighed with them.

    Attributes:
        factors: Of a training.
        weighing: Of its histories.
    """

    factors: ALSFactors
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome.

    Attributes:
        models: What is said of ``als`` and ``popularity``.
        ndcg_ratio: NDCG@10 of ALS over that of popularity, with its 95% interval.
        users: Number of users evaluated.
        split: What was known and asked.
        judge: Of other models by the same questions.
    """

    models: dict[str, Judged]
    ndcg_ratio: RatioInterval
    users: int
    split: TemporalSplit = field(compare=False, repr=False)
    judge: Judge = field(compare=False, repr=False)

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """By model and name."""
        return {name: judged.metrics for name, judged in self.models.items()}


def evaluate(
    data: Interactions,
    parameters: ALSParameters,
    on_iteration: Callable[[int], None],
    checkpoints: Checkpoints | None = None,
    *,
    recency: Recency | None = None,
    damping: Damping | None = None,
    vectors: NDArray[np.float32] | None = None,
    reranking: Reranking | None = None,
    timeline: Timeline | None = None,
) -> Evaluation:
    """Trains on the histories and compares ALS with popularity on the newest fifth.

    Args:
        data: All interactions.
        parameters: Of the training; its seed also samples users and draws the bootstrap.
        on_iteration: See training.als.fit_als.
        checkpoints: See training.als.fit_als.
        recency: Of served tastes; None for none.
        damping: Of evidence; None for none.
        vectors: Genres of the items, (n_items, d), for the diversity of lists; None or no columns
            to take the factors.
        reranking: Which stages are on; None for none.
        timeline: Histories of the data, where the caller has them at hand.

    Raises:
        InvalidInputError: Nobody has five items, or the parameters lead to no usable factors.
    """
    rng = np.random.default_rng(parameters.seed)
    split = split_by_time(timeline or timeline_of(data), rng)
    if len(split.users) == 0:
        raise InvalidInputError(
            "events", "no user has five items, so none can be held out; bring more events"
        )
    model = fit(
        split.history,
        parameters,
        recency=recency or Recency(),
        damping=damping or Damping(),
        on_iteration=on_iteration,
        checkpoints=checkpoints,
    )
    genres = np.zeros((len(data.items), 0), dtype=np.float32) if vectors is None else vectors
    maker = StageMaker(split.history.matrix(), model.factors.items, genres, parameters.seed)
    return evaluate_split(split, model, rng, vectors, maker.make(reranking or Reranking()))


def evaluate_split(
    split: TemporalSplit,
    model: Model,
    rng: np.random.Generator,
    vectors: NDArray[np.float32] | None = None,
    stages: tuple[Stage, ...] = (),
) -> Evaluation:
    """Compares a model of the histories with popularity on the targets.

    Args:
        split: What is known and asked, of somebody.
        model: Trained on what is known.
        rng: Draws the bootstrap.
        vectors: See evaluate.
        stages: That are on.
    """
    like = model.factors.items if vectors is None or not vectors.shape[1] else vectors
    judge = Judge.of(split, like)
    known = split.known()
    models = {
        "als": judge.judge(rank(model, known, stages=stages).rows),
        "popularity": judge.judge(
            rank_neighbours(popularity(split.history.matrix()), known.matrix(), DEEPEST)
        ),
    }
    ratio = paired_bootstrap_ratio(models["als"].gains, models["popularity"].gains, rng)
    return Evaluation(models, ratio, len(split.users), split, judge)


def fit(
    history: Timeline,
    parameters: ALSParameters,
    *,
    recency: Recency,
    damping: Damping,
    on_iteration: Callable[[int], None] = lambda _done: None,
    checkpoints: Checkpoints | None = None,
) -> Model:
    """Trains on histories as the job does on all of them.

    The factors of users are those of the first alone: tastes are computed of who is asked.

    Raises:
        InvalidInputError: The parameters lead to no usable factors.
    """
    weighing = weighing_for(history, recency, damping)
    weighed = weighing.fitted(history.rows, history.confidences, history.indptr)
    matrix = history.matrix(weighed)
    factors = fit_als(
        matrix,
        parameters,
        on_iteration,
        checkpoints,
        served=matrix[:1],
        recency=recency,
        unclicked=history.unclicked(),
    )
    return Model(factors, weighing)


def served(weighing: Weighing, known: Timeline) -> csr_matrix:
    """What tastes are folded in from: histories as they are served, and what was never taken."""
    weighed = known.matrix(weighing.served(known.rows, known.confidences, known.indptr))
    unclicked = known.unclicked()
    return weighed if unclicked is None else (weighed + unclicked).tocsr()


def tastes(model: Model, known: Timeline) -> NDArray[np.float32]:
    """The factors of viewers as they are served, (n, f)."""
    factors = model.factors
    told = served(model.weighing, known)
    return fold_in_users(factors.items, factors.gram, told, factors.regularization)


def rank(
    model: Model, known: Timeline, k: int = DEEPEST, *, stages: tuple[Stage, ...] = ()
) -> Ranked:
    """The best k items of viewers as they are served, without those in the history."""
    # A stage sees the whole list that is served, whatever is looked at.
    depth = max(k, TOP_K) if stages else k
    users = tastes(model, known)
    ranked = top_k(users, model.factors.items, known.indptr, known.rows, depth)
    if not stages:
        return ranked
    found = apply_stages(stages, ranked, histories_of(known, model.weighing))
    return Ranked(found.rows[:, :k], found.scores[:, :k])
