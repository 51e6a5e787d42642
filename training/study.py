"""What a report tells beside the main figures: how it was chosen, other models, other seeds.

All of it is bounded: repeated trainings are of a sample of the viewers where there are many.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import t as student

from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.factors import gram_matrix
from topshelf.metrics import hit_matrix, ndcg_at_k
from topshelf.recency import Recency
from topshelf.topk import TOP_K
from training.als import ALSParameters, fold_in_users, regularization_of
from training.baselines import Limits, Neighbours, bm25, cosine, ease, rank_neighbours
from training.checkpoints import Checkpoints
from training.evaluate import Evaluation, evaluate_split, fit, rank, served
from training.judging import DEEPEST, Judge, Judged
from training.ranker import top_k
from training.selection import (
    Timeline,
    sample_users,
    split_by_time,
    weighing_for,
)
from training.stages import Reranking, StageMaker, StageTrial, histories_of, try_stages

__all__ = [
    "Choice",
    "SeedFigures",
    "StudyOptions",
    "choose",
    "compare_baselines",
    "over_seeds",
]

_NAMES: dict[str, Callable[[csr_matrix, np.random.Generator, Limits], Neighbours]] = {
    "item_cosine": cosine,
    "bm25": bm25,
    "ease": ease,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """How much is studied.

    Attributes:
        seeds: Trainings that the interval is of; 1 for none.
        sample_entries: Entries of the histories that a repeated training is given at most.
        sample_users: Viewers that the choice is judged by at most.
        ablations: Whether each part is left out in turn: a training of the sample each.
    """

    seeds: int = 3
    sample_entries: int = 1_000_000
    sample_users: int = 2_000
    ablations: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= 20 or min(self.sample_entries, self.sample_users) < 1:
            raise InvalidInputError(
                "parameters", f"a study needs 1..20 seeds and a sample of at least 1: {self}"
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """What the validation said.

    Attributes:
        users: Viewers it was judged by; 0 where nobody has enough items, and nothing is known.
        curve: Iterations, and NDCG@10 after so many.
        plain: Metrics of the lists without a stage, by name.
        trials: Of re-ranking stages.
    """

    users: int
    curve: tuple[tuple[int, float], ...]
    plain: dict[str, float]
    trials: tuple[StageTrial, ...]


@dataclass(frozen=True, slots=True)
class SeedFigures:
    """A metric over trainings that differ in their seed.

    Attributes:
        values: One a seed: of its initial factors, and of its sample of viewers.
        mean: Of them.
        low: Lower end of the 95% interval of the mean, by Student's t.
        high: Upper end.
    """

    values: tuple[float, ...]
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "SeedFigures":
        """The figures of at least two values."""
        found = np.array(values)
        half = student.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
        mean = float(found.mean())
        return cls(tuple(values), mean, mean - float(half), mean + float(half))


class _Curve:
    """A CheckpointStore that keeps no factors, but looks at them."""

    def __init__(self, look: Callable[[NDArray[np.float32]], float], iterations: int) -> None:
        # A look costs as much as an iteration of few viewers: a handful, close at the beginning.
        self._at = {
            iterations,
            *(n for n in (1, 2, 3, 5, 8, 12, 20, 35, 60, 100) if n < iterations),
        }
        self._look = look
        self.points: list[tuple[int, float]] = []

    def load(self, run: str) -> None:
        del run

    def save(self, run: str, content: bytes) -> None:
        del run
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if (done := int(file["iterations"])) in self._at:
                self.points.append((done, self._look(file["items"])))

    def remove(self, run: str) -> None:
        del run


def choose(
    known: Timeline,
    parameters: ALSParameters,
    *,
    recency: Recency,
    damping: Damping,
    genres: NDArray[np.float32],
    options: StudyOptions,
) -> Choice:
    """Judges iterations and stages on the validation: the newest fifth before the test.

    Args:
        known: The histories of the test's split: the test takes no part.
        parameters: Of the training.
        recency: Of served tastes.
        damping: Of evidence.
        genres: Ones, (n_items, genres); no columns where none is known.
        options: How much.
    """
    rng = np.random.default_rng(parameters.seed)
    sample = sample_users(known, rng, options.sample_entries)
    split = split_by_time(sample, rng, max_users=options.sample_users)
    if not len(split.users):
        return Choice(0, (), {}, ())
    told = split.known()
    weighing = weighing_for(split.history, recency, damping)
    weighed = served(weighing, told)
    fitted = weighing.fitted(split.history.rows, split.history.confidences, split.history.indptr)
    trained = regularization_of(parameters, split.history.matrix(fitted))
    regularization = recency.regularization(trained)

    def ndcg(items: NDArray[np.float32]) -> float:
        users = fold_in_users(items, gram_matrix(items), weighed, regularization)
        ranked = top_k(users, items, told.indptr, told.rows, 10).rows
        hits = hit_matrix(ranked, split.targets.indptr, split.targets.indices)
        return float(ndcg_at_k(hits, np.diff(split.targets.indptr), 10).mean())

    curve = _Curve(ndcg, parameters.iterations)
    kept = Checkpoints(curve, every=1)
    model = fit(split.history, parameters, recency=recency, damping=damping, checkpoints=kept)
    like = genres if genres.shape[1] else model.factors.items
    judge = Judge.of(split, like)
    ranked = rank(model, told, TOP_K)
    maker = StageMaker(split.history.matrix(), model.factors.items, genres, parameters.seed)
    trials = try_stages(maker, ranked, histories_of(told, weighing), judge, rng)
    plain = judge.judge(ranked.rows[:, :DEEPEST]).metrics
    return Choice(len(split.users), tuple(curve.points), plain, tuple(trials))


def compare_baselines(
    outcome: Evaluation,
    seed: int,
    limits: Limits | None = None,
    *,
    history: Timeline | None = None,
) -> tuple[dict[str, Judged], dict[str, str]]:
    """Item-item cosine, BM25 and EASE, by the questions of an evaluation.

    Args:
        outcome: The evaluation.
        seed: Draws the viewers that a bounded model looks at.
        limits: Of their size.
        history: What they are fitted to; None for the histories of the evaluation.

    Returns:
        What is said of each, and notes on those that were bounded, by name.
    """
    fitted, known = (history or outcome.split.history).matrix(), outcome.split.known()
    # Whether something was chosen, and not how surely: these models are beside every weighing.
    chosen = known.matrix(np.ones(len(known.rows), dtype=np.float32))
    judged, notes = {}, {}
    for name, make in _NAMES.items():
        model = make(fitted, np.random.default_rng(seed), limits or Limits())
        judged[name] = outcome.judge.judge(rank_neighbours(model, chosen, DEEPEST))
        if model.note:
            notes[name] = model.note
    return judged, notes


def over_seeds(
    timeline: Timeline,
    parameters: ALSParameters,
    *,
    recency: Recency,
    damping: Damping,
    outcome: Evaluation,
    options: StudyOptions,
    reranking: Reranking,
    genres: NDArray[np.float32],
    on_seed: Callable[[int], None],
) -> dict[str, SeedFigures]:
    """The metrics of ALS on the test, over trainings of several seeds.

    Args:
        timeline: All histories.
        parameters: Of the training; its seed is the first, and the others follow it.
        recency: Of served tastes.
        damping: Of evidence.
        outcome: Of the first seed on all viewers, which counts where no sample is taken.
        options: How much.
        reranking: Stages that are on: each training makes its own.
        genres: Ones, (n_items, genres); no columns where none is known.
        on_seed: Told the number of seeds done.

    Returns:
        By name; empty with one seed, and where nobody of a sample can be asked.
    """
    if options.seeds == 1:
        return {}
    sampled = len(timeline.rows) > options.sample_entries
    found: list[Mapping[str, float]] = [] if sampled else [outcome.metrics["als"]]
    for step in range(len(found), options.seeds):
        own = replace(parameters, seed=parameters.seed + step)
        rng = np.random.default_rng(own.seed)
        split = split_by_time(sample_users(timeline, rng, options.sample_entries), rng)
        if not len(split.users):
            return {}
        model = fit(split.history, own, recency=recency, damping=damping)
        maker = StageMaker(split.history.matrix(), model.factors.items, genres, own.seed)
        stages = maker.make(reranking)
        told = evaluate_split(split, model, rng, outcome.judge.vectors, stages)
        found.append(told.metrics["als"])
        on_seed(step + 1)
    return {name: SeedFigures.of([one[name] for one in found]) for name in found[0]}
