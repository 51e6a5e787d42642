"""Re-ranking stages in a training: which are on, what they are made of, and whether one wins."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.metrics import RatioInterval, paired_bootstrap_ratio
from topshelf.ranking import Ranked
from topshelf.rerank import Calibration, Diversity, Histories, ItemModel, Stage, apply_stages
from topshelf.weighing import Weighing
from training.baselines import Limits, ease
from training.judging import DEEPEST, Judge
from training.selection import Timeline

__all__ = ["CANDIDATES", "Reranking", "StageMaker", "StageTrial", "histories_of", "try_stages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranking:
    """Which stages are on; none by default.

    Attributes:
        ease: Weight of EASE's opinion on the head items, see topshelf.rerank.ItemModel; 0 for off.
        diversity: How much unlikeness counts against relevance, 0..1: 1 - lambda of MMR; 0 for off.
        calibration: How much the history's genres count, 0..1; 0 for off.
    """

    ease: float = 0.0
    diversity: float = 0.0
    calibration: float = 0.0

    def __post_init__(self) -> None:
        within = 0 <= self.diversity <= 1 and 0 <= self.calibration <= 1
        if not (within and 0 <= self.ease <= 100):
            raise InvalidInputError(
                "parameters",
                f"reranking needs ease 0..100, diversity and calibration 0..1: {self}",
            )

    def names(self) -> str:
        """What is on, for people; empty where nothing is."""
        on = ((own.name, getattr(self, own.name)) for own in fields(self))
        return ", ".join(f"{name} {value:g}" for name, value in on if value)


CANDIDATES = (
    Reranking(ease=0.5),
    Reranking(ease=1.0),
    Reranking(diversity=0.1),
    Reranking(diversity=0.3),
    Reranking(calibration=0.1),
    Reranking(calibration=0.3),
)
"""What a report tries."""


@dataclass(frozen=True, slots=True)
class StageTrial:
    """One stage on the validation viewers.

    Attributes:
        reranking: Of the trial.
        metrics: Of the lists with it, by name.
        ndcg_ratio: NDCG@10 over that of the lists without it, with its 95% interval.
    """

    reranking: Reranking
    metrics: dict[str, float]
    ndcg_ratio: RatioInterval

    @property
    def wins(self) -> bool:
        """Whether it is better beyond doubt: the whole interval is above 1."""
        return 1 < self.ndcg_ratio.low < float("inf")


class StageMaker:
    """Makes the stages of one training out of what it learned."""

    def __init__(
        self, matrix: csr_matrix, items: NDArray[np.float32], genres: NDArray[np.float32], seed: int
    ) -> None:
        """Keeps what stages are made of; EASE is fitted when first asked for.

        Args:
            matrix: What the model was trained on, CSR (n_users, n_items).
            items: Its item factors, (n_items, f).
            genres: Ones, (n_items, genres); no columns where none is known.
            seed: Draws viewers where EASE is bounded.
        """
        self._matrix = matrix
        self._items = items
        self._genres = genres
        self._seed = seed
        self._model: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None

    def make(self, reranking: Reranking) -> tuple[Stage, ...]:
        """The stages that are on: EASE first, for it is about relevance."""
        stages: list[Stage] = []
        if reranking.ease:
            stages.append(ItemModel(*self._ease(), reranking.ease))
        if reranking.diversity:
            stages.append(Diversity(self._items, 1.0 - reranking.diversity))
        if reranking.calibration:
            stages.append(Calibration(self._genres, reranking.calibration))
        return tuple(stages)

    @property
    def has_genres(self) -> bool:
        """Whether calibration has anything to go by."""
        return bool(self._genres.shape[1])

    def _ease(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if self._model is None:
            rng = np.random.default_rng(self._seed)
            found = ease(self._matrix, rng, Limits(ease_items=2_000))
            place_of = np.full(self._matrix.shape[1], -1, dtype=np.int64)
            place_of[found.items] = np.arange(len(found.items))
            self._model = np.asarray(found.weights, dtype=np.float32), place_of
        return self._model


def histories_of(known: Timeline, weighing: Weighing) -> Histories:
    """What stages are told of viewers."""
    weighed = weighing.served(known.rows, known.confidences, known.indptr)
    return Histories(known.indptr, known.rows, weighed)


def try_stages(
    maker: StageMaker,
    ranked: Ranked,
    histories: Histories,
    judge: Judge,
    rng: np.random.Generator,
) -> list[StageTrial]:
    """Each candidate on the lists of the validation viewers.

    Args:
        maker: Of the validation's training.
        ranked: The lists without a stage, (n, 100).
        histories: Of the same viewers.
        judge: Of the validation.
        rng: Draws the bootstrap.
    """
    plain = judge.judge(ranked.rows[:, :DEEPEST])
    known = [c for c in CANDIDATES if not c.calibration or maker.has_genres]
    trials = []
    for candidate in known:
        found = apply_stages(maker.make(candidate), ranked, histories)
        judged = judge.judge(found.rows[:, :DEEPEST])
        ratio = paired_bootstrap_ratio(judged.gains, plain.gains, rng)
        trials.append(StageTrial(candidate, judged.metrics, ratio))
    return trials
