"""Offline quality of rankings, as the field defines it.

Most metrics are arrays with a value for each viewer, because comparisons are paired by viewer. A
viewer without targets has no place here: leave such viewers out beforehand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "RatioInterval",
    "catalog_coverage",
    "hit_matrix",
    "mean_reciprocal_rank_at_k",
    "ndcg_at_k",
    "paired_bootstrap_ratio",
    "precision_at_k",
    "recall_at_k",
]


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """mean(a) / mean(b) and its interval."""

    ratio: float
    low: float
    high: float


def hit_matrix(
    ranked: NDArray[np.integer],
    target_indptr: NDArray[np.integer],
    target_indices: NDArray[np.integer],
) -> NDArray[np.bool_]:
    """Which ranked items are targets.

    Args:
        ranked: Item rows, best first, (n, k); negative where a ranking is shorter.
        target_indptr: CSR row pointers of the targets, (n + 1,).
        target_indices: CSR column indices: item rows.

    Returns:
        (n, k).
    """
    width = int(max(ranked.max(initial=-1), target_indices.max(initial=-1))) + 1
    owners = np.repeat(np.arange(len(ranked)), np.diff(target_indptr))
    targets = owners * width + target_indices
    places = np.arange(len(ranked))[:, None] * width + ranked
    return np.isin(places, targets) & (ranked >= 0)


def ndcg_at_k(
    hits: NDArray[np.bool_], n_targets: NDArray[np.integer], k: int
) -> NDArray[np.float64]:
    """Normalized discounted cumulative gain with binary relevance, a viewer.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002), with
    discount log2(1 + position); the ideal ranking has min(k, targets) hits at its head.

    Args:
        hits: See hit_matrix, (n, at least k).
        n_targets: Targets of each viewer, at least 1, (n,).
        k: Cut-off.

    Returns:
        (n,), 0..1.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(n_targets, k) - 1]
    gains: NDArray[np.float64] = (hits[:, :k] * discounts[: hits.shape[1]]).sum(axis=1) / ideal
    return gains


def precision_at_k(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Share of the first k places that are targets, (n,); empty places count as misses."""
    found: NDArray[np.float64] = hits[:, :k].sum(axis=1) / k
    return found


def recall_at_k(
    hits: NDArray[np.bool_], n_targets: NDArray[np.integer], k: int
) -> NDArray[np.float64]:
    """Share of the targets among the first k places, (n,).

    Divided by min(k, targets) as in Liang et al., "Variational Autoencoders for Collaborative
    Filtering" (WWW 2018), so that a perfect ranking has 1 whatever the number of targets.
    """
    found: NDArray[np.float64] = hits[:, :k].sum(axis=1) / np.minimum(n_targets, k)
    return found


def mean_reciprocal_rank_at_k(hits: NDArray[np.bool_], k: int) -> float:
    """Mean over viewers of 1 / the first target's position, 0 where none is among the first k."""
    head = hits[:, :k]
    first = head.argmax(axis=1)
    return float(np.where(head.any(axis=1), 1.0 / (first + 1), 0.0).mean())


def catalog_coverage(ranked: NDArray[np.integer], n_items: int, k: int) -> float:
    """Share of the n_items of the catalogue that are among the first k places of any viewer."""
    head = ranked[:, :k]
    return len(np.unique(head[head >= 0])) / n_items


def paired_bootstrap_ratio(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    level: float = 0.95,
) -> RatioInterval:
    """Percentile interval of mean(a) / mean(b), drawing viewers (pairs) with replacement.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Args:
        a: A metric of each viewer, (n,).
        b: The same metric of another ranking, (n,), same viewers in the same order.
        rng: Seeded by the caller.
        resamples: Number of draws.
        level: Coverage of the interval.

    Returns:
        The ratio and its interval; infinite where a mean of b is 0.

    Raises:
        ValueError: The arrays differ in shape or are empty.
    """
    if a.shape != b.shape or not len(a):
        raise ValueError(
            f"paired arrays must have one shape and a viewer, not {a.shape}, {b.shape}"
        )
    draws = np.empty(resamples)
    for i in range(resamples):
        chosen = rng.integers(len(a), size=len(a))
        draws[i] = _ratio(a[chosen].mean(), b[chosen].mean())
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], method="closest_observation")
    return RatioInterval(_ratio(a.mean(), b.mean()), float(low), float(high))


def _ratio(a: np.floating, b: np.floating) -> float:
    return float(a / b) if b else float("inf")
