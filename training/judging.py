"""How good rankings are, and how they are besides: the same figures for every model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.breadth import (
    exposure_gini,
    found_targets,
    intra_list_diversity,
    mean_by_decile,
    novelty,
    self_information,
)
from topshelf.catalog import Movie
from topshelf.metrics import (
    catalog_coverage,
    hit_matrix,
    mean_reciprocal_rank_at_k,
    ndcg_at_k,
    precision_at_k,
)
from training.selection import TemporalSplit

__all__ = [
    "DEEPEST",
    "MAX_GENRES",
    "NDCG",
    "Decile",
    "Judge",
    "Judged",
    "genre_vectors",
    "ranking_metrics",
]

DEEPEST = 25
"""Deepest cut-off that Amazon Personalize reports; coverage is that of the first 25 places."""

NDCG = "normalized_discounted_cumulative_gain_at_10"
"""The metric that models are compared by."""

MAX_GENRES = 64
"""Most genres that lists are compared by."""

_CUT_OFFS = (5, 10, 25)


@dataclass(frozen=True, slots=True)
class Decile:
    """One tenth of the viewers, or of the targets.

    Attributes:
        tenth: 1 for the least active viewers or least viewed items, to 10.
        smallest: Shortest history, or fewest viewers of an item, in it.
        greatest: Longest, or most.
        entries: Viewers, or targets, in it.
        value: Mean NDCG@10 of the viewers, or share of the targets among the first 25 places.
    """

    tenth: int
    smallest: int
    greatest: int
    entries: int
    value: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one model.

    Attributes:
        metrics: By name.
        by_activity: Tenths of the viewers by the length of their history.
        by_popularity: Tenths of the targets by the viewers of their item.
        gains: NDCG@10 of each viewer, (n,).
    """

    metrics: dict[str, float]
    by_activity: tuple[Decile, ...]
    by_popularity: tuple[Decile, ...]
    gains: NDArray[np.float64] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows what was asked.

    Attributes:
        targets: Ones, CSR (n, n_items), no row empty.
        activity: Length of each viewer's history, (n,).
        viewers: Of each item in the histories, (n_items,).
        information: See topshelf.breadth.self_information, (n_items,).
        vectors: What items are like, for the diversity of a list, (n_items, d).
    """

    targets: csr_matrix
    activity: NDArray[np.int64]
    viewers: NDArray[np.int64]
    information: NDArray[np.float64]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, split: TemporalSplit, vectors: NDArray[np.float32]) -> "Judge":
        """The judge of a split."""
        viewers = split.history.viewers()
        return cls(
            targets=split.targets,
            activity=split.history.lengths()[split.users],
            viewers=viewers,
            information=self_information(viewers, split.history.n_users),
            vectors=vectors,
        )

    def judge(self, ranked: NDArray[np.int64]) -> Judged:
        """Judges the rankings of the viewers, (n, 25)."""
        metrics, gains = ranking_metrics(ranked, self.targets, self.targets.shape[1])
        metrics |= {
            f"novelty_at_{DEEPEST}": novelty(ranked, self.information, DEEPEST),
            f"intra_list_diversity_at_{DEEPEST}": intra_list_diversity(
                ranked, self.vectors, DEEPEST
            ),
            f"exposure_gini_at_{DEEPEST}": exposure_gini(ranked, self.targets.shape[1], DEEPEST),
        }
        found = found_targets(ranked, self.targets.indptr, self.targets.indices, DEEPEST)
        return Judged(
            metrics,
            _deciles(gains, self.activity),
            _deciles(found, self.viewers[self.targets.indices]),
            gains,
        )


def ranking_metrics(
    ranked: NDArray[np.int64], targets: csr_matrix, n_items: int
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The metrics that Amazon Personalize reports for a solution version.

    Args:
        ranked: Item rows, best first, (n, 25).
        targets: CSR (n, n_items), each row with at least one entry.
        n_items: Items of the catalogue.

    Returns:
        Metrics by name, and NDCG@10 of each user, (n,).
    """
    hits = hit_matrix(ranked, targets.indptr, targets.indices)
    n_targets = np.diff(targets.indptr)
    metrics = {
        "coverage": catalog_coverage(ranked, n_items, DEEPEST),
        f"mean_reciprocal_rank_at_{DEEPEST}": mean_reciprocal_rank_at_k(hits, DEEPEST),
    }
    for k in _CUT_OFFS:
        gains = ndcg_at_k(hits, n_targets, k)
        metrics[f"normalized_discounted_cumulative_gain_at_{k}"] = float(gains.mean())
        metrics[f"precision_at_{k}"] = float(precision_at_k(hits, k).mean())
    return metrics, ndcg_at_k(hits, n_targets, 10)


def genre_vectors(names: tuple[str, ...], movies: Mapping[str, Movie]) -> NDArray[np.float32]:
    """Which genres each item has, ones, (n_items, genres); no columns where none is known.

    The MAX_GENRES that most items have, of equally many the first by name: what compares lists by
    them takes time and memory for each.

    Args:
        names: Item ids in the order of their rows.
        movies: The catalogue, by item id.
    """
    own = [movies[name].genres if name in movies else () for name in names]
    counts = Counter(genre for genres in own for genre in set(genres))
    usual = sorted(counts, key=lambda genre: (-counts[genre], genre))[:MAX_GENRES]
    column = {genre: place for place, genre in enumerate(sorted(usual))}
    vectors = np.zeros((len(names), len(column)), dtype=np.float32)
    for row, genres in enumerate(own):
        vectors[row, [column[genre] for genre in genres if genre in column]] = 1.0
    return vectors


def _deciles(
    values: NDArray[np.floating] | NDArray[np.bool_], keys: NDArray[np.int64]
) -> tuple[Decile, ...]:
    return tuple(Decile(*row) for row in mean_by_decile(values, keys))
