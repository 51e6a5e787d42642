"""Ranking: the best k items of each viewer, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_ITEM", "Ranked", "popularity_ranking", "top_k"]

NO_ITEM = -1
"""Fills a row of a ranking that has fewer than k items to offer."""

_BLOCK_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best items of n viewers, best first.

    Attributes:
        rows: Item rows, int64, (n, k); NO_ITEM where nothing is left.
        scores: float32, (n, k); -inf where nothing is left.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


def top_k(
    user_factors: NDArray[np.float32],
    item_factors: NDArray[np.float32],
    seen_indptr: NDArray[np.integer],
    seen_indices: NDArray[np.integer],
    k: int,
    *,
    block_bytes: int = _BLOCK_BYTES,
) -> Ranked:
    """The k items with the greatest inner product, without the seen ones.

    Exact: every item is scored, in blocks of viewers so that memory stays bounded.

    Args:
        user_factors: (n, f).
        item_factors: (n_items, f).
        seen_indptr: CSR row pointers of what each viewer has seen, (n + 1,).
        seen_indices: CSR column indices: item rows.
        k: Length of a ranking, at least 1.
        block_bytes: Bound on the block of scores held at once.

    Returns:
        The rankings; equal scores are ordered by item row, the lower first.
    """
    n, n_items = len(user_factors), len(item_factors)
    rows = np.full((n, k), NO_ITEM, dtype=np.int64)
    scores = np.full((n, k), -np.inf, dtype=np.float32)
    width = min(k, n_items)
    if width:
        step = max(1, block_bytes // (4 * n_items))
        for start in range(0, n, step):
            stop = min(start + step, n)
            block = user_factors[start:stop] @ item_factors.T
            lengths = np.diff(seen_indptr[start : stop + 1])
            seen = seen_indices[seen_indptr[start] : seen_indptr[stop]]
            block[np.repeat(np.arange(stop - start), lengths), seen] = -np.inf
            best, best_scores = _best(block, width)
            rows[start:stop, :width] = np.where(np.isneginf(best_scores), NO_ITEM, best)
            scores[start:stop, :width] = best_scores
    return Ranked(rows, scores)


def popularity_ranking(viewers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Item rows by how many viewers they had.

    Args:
        viewers: Number of distinct viewers of each item, (n_items,).

    Returns:
        All item rows, most viewers first, equal counts by row; (n_items,).
    """
    return np.argsort(-viewers.astype(np.int64), kind="stable")


def _best(scores: NDArray[np.float32], width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if width == scores.shape[1]:
        chosen = np.broadcast_to(np.arange(width), scores.shape)
    else:
        chosen = np.argpartition(scores, -width, axis=1)[:, -width:]
        # A partition picks any of the items that tie at its edge: where it had a choice, sort.
        edge = np.take_along_axis(scores, chosen, axis=1).min(axis=1, keepdims=True)
        tied = (scores >= edge).sum(axis=1) > width
        if tied.any():
            chosen[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :width]
    chosen = np.sort(chosen, axis=1)
    values = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1), np.take_along_axis(values, order, axis=1)
