"""Re-ranking: stages that put a ready ranking into another order, each off unless asked for.

A stage sees a block of rankings and changes their order alone: what is in a list stays in it, and
the i-th place keeps the i-th score, so a list is in the order of its scores before and after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from topshelf.ranking import NO_ITEM, Ranked

__all__ = ["Calibration", "Diversity", "Histories", "ItemModel", "Stage", "apply_stages"]

_SMOOTHING = 0.01
"""Share of the history's genres in those of a list, so that no logarithm is of 0: Steck's alpha."""

_BLOCK = 256
"""Viewers at once: calibration holds a number for each of their 100 items and every genre."""


@dataclass(frozen=True, slots=True)
class Histories:
    """What is known of the viewers of a block.

    Attributes:
        indptr: CSR row pointers, (n + 1,).
        rows: Item rows, (nnz,).
        confidences: As they are served with, (nnz,).
    """

    indptr: NDArray[np.integer]
    rows: NDArray[np.integer]
    confidences: NDArray[np.float32]

    def of(self, start: int, stop: int) -> "Histories":
        """Those of the viewers from row start to before row stop."""
        bounds = self.indptr[start : stop + 1]
        own = slice(bounds[0], bounds[-1])
        return Histories(bounds - bounds[0], self.rows[own], self.confidences[own])


class Stage(Protocol):
    """One way to put rankings into another order."""

    def order(self, ranked: Ranked, histories: Histories) -> NDArray[np.int64]:
        """The places of each ranking in the order they should have, (n, k).

        Args:
            ranked: Rankings of n viewers, best first; NO_ITEM fills the end of short ones.
            histories: Of the same viewers.

        Returns:
            Each row a permutation of 0..k-1 that leaves places without an item at the end.
        """


def apply_stages(stages: Sequence[Stage], ranked: Ranked, histories: Histories) -> Ranked:
    """The rankings after all stages, in turn; some viewers at a time: that bounds the memory."""
    if not stages:
        return ranked
    rows = ranked.rows.copy()
    for start in range(0, len(rows), _BLOCK):
        own = slice(start, start + _BLOCK)
        some = histories.of(start, min(start + _BLOCK, len(rows)))
        for stage in stages:
            order = stage.order(Ranked(rows[own], ranked.scores[own]), some)
            rows[own] = np.take_along_axis(rows[own], order, axis=1)
    return Ranked(rows, ranked.scores)


@dataclass(frozen=True, slots=True)
class Diversity:
    """Maximal marginal relevance: no item follows those that it is like.

    Carbonell and Goldstein, "The use of MMR, diversity-based reranking" (SIGIR 1998): the next
    place goes to the item of the greatest weight * relevance - (1 - weight) * (greatest cosine with
    an item placed before). Relevance is the score, 1 for a list's best and 0 for its last.

    Attributes:
        vectors: What items are like, (n_items, d): factors, or genres.
        weight: lambda of the paper, 0..1; at 1 nothing changes.
    """

    vectors: NDArray[np.float32]
    weight: float

    def order(self, ranked: Ranked, histories: Histories) -> NDArray[np.int64]:
        """See Stage; who is asked does not matter."""
        del histories
        filled = ranked.rows != NO_ITEM
        own = self.vectors[ranked.rows]
        lengths = np.linalg.norm(own, axis=2, keepdims=True)
        unit = own / np.where(lengths > 0, lengths, 1)
        left = np.where(filled, self.weight * _relevance(ranked), -np.inf)
        nearest = np.zeros(left.shape)
        order = np.empty(left.shape, dtype=np.int64)
        viewers = np.arange(len(left))
        for place in range(left.shape[1]):
            gains = left - (1 - self.weight) * nearest
            # argmax takes the first of equals, which was the better one before.
            best = gains.argmax(axis=1)
            order[:, place] = best
            alike = np.einsum("nkd,nd->nk", unit, unit[viewers, best])
            nearest = np.maximum(nearest, alike) if place else alike
            left[viewers, best] = -np.inf
        return _empty_last(order, filled)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Genres of a list in the proportions of the history.

    Steck, "Calibrated Recommendations" (RecSys 2018): greedily the item of the greatest (1 -
    weight) * relevance - weight * KL(p, q), with p the genres of the history and q those of the
    list so far, smoothed by a hundredth of p (equations 2, 5 and 6). An item counts for its genres
    in equal parts. Relevance as in Diversity.

    Attributes:
        genres: Ones, (n_items, genres).
        weight: lambda of the paper, 0..1; at 0 nothing changes.
    """

    genres: NDArray[np.float32]
    weight: float

    def order(self, ranked: Ranked, histories: Histories) -> NDArray[np.int64]:
        """See Stage."""
        filled = ranked.rows != NO_ITEM
        counts = self.genres.sum(axis=1, keepdims=True)
        shares = self.genres / np.where(counts > 0, counts, 1)
        owners = np.repeat(np.arange(len(ranked.rows)), np.diff(histories.indptr))
        taste = np.zeros((len(ranked.rows), self.genres.shape[1]))
        np.add.at(taste, owners, shares[histories.rows] * histories.confidences[:, None])
        total = taste.sum(axis=1, keepdims=True)
        taste = taste / np.where(total > 0, total, 1)
        own = shares[ranked.rows]
        left = np.where(filled, (1 - self.weight) * _relevance(ranked), -np.inf)
        divergences = _Divergences(taste, self.genres[ranked.rows])
        placed = np.zeros_like(taste)
        order = np.empty(left.shape, dtype=np.int64)
        viewers = np.arange(len(left))
        for place in range(left.shape[1]):
            after = divergences.after(placed, place + 1)
            best = (left - self.weight * after).argmax(axis=1)
            order[:, place] = best
            placed += own[viewers, best]
            left[viewers, best] = -np.inf
        return _empty_last(order, filled)


class _Divergences:
    """KL(taste, smoothed genres of a list) for every item that may come next.

    An item changes the list's shares of its own few genres alone, and by as much as another with as
    many genres does. So logarithms are taken of each genre and number, and not of each item.
    """

    def __init__(self, taste: NDArray[np.float64], genres: NDArray[np.float32]) -> None:
        """Finds the genres of the items.

        Args:
            taste: (n, genres), each row adding up to 1 or 0.
            genres: Of the items of each list, ones, (n, k, genres).
        """
        n, _, self._width = genres.shape
        self._taste = taste
        numbers = genres.sum(axis=2).astype(np.int64)
        self._numbers, kind = np.unique(np.maximum(numbers, 1), return_inverse=True)
        self._most = int(numbers.max(initial=0))
        # Places in a table of (n, numbers, genres + 1), whose last column is for no genre: 0.
        row = np.arange(n)[:, None] * len(self._numbers) + kind.reshape(numbers.shape)
        first = np.argsort(genres == 0, axis=2, kind="stable")[:, :, : self._most]
        there = np.arange(self._most) < numbers[:, :, None]
        self._places = row[:, :, None] * (self._width + 1) + np.where(there, first, self._width)

    def after(self, placed: NDArray[np.float64], length: int) -> NDArray[np.float64]:
        """With each item as the last of so many.

        Args:
            placed: Sum of the genres' shares of the items before, (n, genres).
            length: Of the list with the item.

        Returns:
            (n, k); 0 for who has no taste in genres.
        """
        taste = self._taste
        before = (1 - _SMOOTHING) * placed / length + _SMOOTHING * taste
        safe = np.where(taste > 0, before, 1.0)
        whole = (taste * np.log(np.where(taste > 0, taste, 1.0) / safe)).sum(axis=1)
        added = (1 - _SMOOTHING) / (self._numbers * length)
        gains = np.zeros((len(taste), len(self._numbers), self._width + 1))
        with_item = safe[:, None, :] + added[:, None]
        gains[:, :, :-1] = taste[:, None, :] * np.log(with_item / safe[:, None, :])
        found: NDArray[np.float64] = gains.ravel()[self._places].sum(axis=2)
        return whole[:, None] - found


@dataclass(frozen=True, slots=True)
class ItemModel:
    """A second opinion of an item-item model, such as EASE, on the items that it knows.

    An item gains weight * (its score by the item model, in standard deviations over the list) on
    its own score in the same unit; what the model does not know has its mean.

    Attributes:
        weights: From an item of a history (row) to one of the list (column), (m, m) float32.
        place_of: Place of each item in the weights, -1 where they do not know it, (n_items,).
        weight: Above 0; at 0 nothing changes.
    """

    weights: NDArray[np.float32]
    place_of: NDArray[np.int64]
    weight: float

    def order(self, ranked: Ranked, histories: Histories) -> NDArray[np.int64]:
        """See Stage."""
        filled = ranked.rows != NO_ITEM
        places = np.where(filled, self.place_of[ranked.rows], -1)
        seen = self.place_of[histories.rows]
        said = np.zeros(places.shape)
        for viewer, (own, start, stop) in enumerate(
            zip(places, histories.indptr, histories.indptr[1:], strict=False)
        ):
            known, items = own >= 0, seen[start:stop]
            said[viewer, known] = self.weights[np.ix_(items[items >= 0], own[known])].sum(axis=0)
        scores = _standardized(ranked.scores, filled)
        scores += self.weight * _standardized(said, filled & (places >= 0))
        return np.argsort(np.where(filled, -scores, np.inf), axis=1, kind="stable")


def _relevance(ranked: Ranked) -> NDArray[np.float64]:
    """Scores, 1 for the best of a list and 0 for the last; 0 where there is no item."""
    filled = ranked.rows != NO_ITEM
    scores = np.where(filled, ranked.scores, np.nan).astype(np.float64)
    best = np.where(filled, scores, -np.inf).max(axis=1, keepdims=True)
    last = np.where(filled, scores, np.inf).min(axis=1, keepdims=True)
    span = np.where(best > last, best - last, 1.0)
    return np.where(filled, (scores - np.where(np.isfinite(last), last, 0.0)) / span, 0.0)


def _standardized(values: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance from the mean of a row in standard deviations; 0 where nothing is known."""
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    held = np.where(known, values, 0.0).astype(np.float64)
    centred = np.where(known, held - held.sum(axis=1, keepdims=True) / counts, 0.0)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / counts)
    found: NDArray[np.float64] = centred / np.where(spread > 0, spread, 1.0)
    return found


def _empty_last(order: NDArray[np.int64], filled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The order, with the places of no item at the end as they were."""
    k = order.shape[1]
    counts = filled.sum(axis=1, keepdims=True)
    return np.where(np.arange(k) < counts, order, np.arange(k))
