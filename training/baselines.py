"""What ALS has to beat: popularity, and models that score a history by similar items.

Each is fitted to bounded work, whatever the size of the data: item-item similarities grow with the
squares of the histories' lengths, and EASE inverts a matrix of the items. Where a bound bites the
model says so, in words that the report shows.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from implicit.utils import ParameterWarning
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.ranking import NO_ITEM

__all__ = [
    "Limits",
    "Neighbours",
    "bm25",
    "cosine",
    "ease",
    "ease_weights",
    "popularity",
    "rank_neighbours",
]

# The best of 10, 20, 50, 100, 200 and 400 for each: NDCG@100 of MovieLens 1M's validation viewers.
_COSINE_NEIGHBOURS = 20
_BM25_NEIGHBOURS = 200
_BLOCK_CELLS = 1 << 23


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much work a baseline may be.

    Attributes:
        pairs: Pairs of items seen by the same viewer, over all viewers: what item-item models
            count. Viewers are left out at random beyond it.
        ease_items: Items of EASE: it inverts a matrix of so many rows. The most viewed are kept.
        ridge: EASE's regularization lambda.
    """

    pairs: int = 500_000_000
    ease_items: int = 4_000
    ridge: float = 300.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A model that scores an item by what is known of a viewer: history @ weights.

    Attributes:
        weights: From an item of a history (row) to a scored item (column), float32, CSR or dense
            (m, m); None for popularity, which asks for no history.
        items: Item rows that the weights know, ascending, (m,).
        viewers: Of each item, (n_items,): orders what the weights leave equal.
        note: What was bounded; empty where nothing was.
    """

    weights: csr_matrix | NDArray[np.float32] | None
    items: NDArray[np.int64]
    viewers: NDArray[np.int64]
    note: str = ""


def popularity(matrix: csr_matrix) -> Neighbours:
    """How many viewers an item had.

    Args:
        matrix: What is known, CSR (n_users, n_items); its values do not matter here or below.
    """
    return Neighbours(None, np.arange(matrix.shape[1]), _viewers(matrix))


def cosine(matrix: csr_matrix, rng: np.random.Generator, limits: Limits) -> Neighbours:
    """Item-item cosine, the nearest 20 (Sarwar et al., WWW 2001)."""
    return _nearest(CosineRecommender(K=_COSINE_NEIGHBOURS), matrix, rng, limits)


def bm25(matrix: csr_matrix, rng: np.random.Generator, limits: Limits) -> Neighbours:
    """Item-item after BM25 weighting of the histories, the nearest 200."""
    return _nearest(BM25Recommender(K=_BM25_NEIGHBOURS), matrix, rng, limits)


def ease(matrix: csr_matrix, rng: np.random.Generator, limits: Limits) -> Neighbours:
    """EASE: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019), equation 8."""
    viewers = _viewers(matrix)
    known, note = _bounded(_ones(matrix), rng, limits)
    items = np.arange(matrix.shape[1])
    if len(items) > limits.ease_items:
        items = np.sort(np.argsort(-viewers, kind="stable")[: limits.ease_items])
        known = known[:, items]
        head = f"over the {len(items):,} most viewed of {matrix.shape[1]:,} items"
        note = f"{head}; {note}" if note else head
    return Neighbours(ease_weights(known, limits.ridge), items, viewers, note)


def ease_weights(matrix: csr_matrix, ridge: float) -> NDArray[np.float32]:
    """EASE's item-item weights, (n_items, n_items) float32, zeros on the diagonal.

    Args:
        matrix: Ones, CSR (n_users, n_items).
        ridge: lambda, above 0.
    """
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    # Half the work of an inverse of just any matrix: this one is symmetric, and its inverse too.
    lower, failed = dpotrf(gram, lower=1, overwrite_a=1)
    half, failed_too = dpotri(lower, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise InvalidInputError("parameters", f"EASE needs a ridge above 0, not {ridge:g}")
    inverse = np.tril(half) + np.tril(half, -1).T
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    found: NDArray[np.float32] = weights.astype(np.float32)
    return found


def rank_neighbours(model: Neighbours, history: csr_matrix, k: int) -> NDArray[np.int64]:
    """The best k items of each viewer that are not in the history.

    Items that the weights leave equal (those without a neighbour in the history) come by their
    viewers, then by row.

    Args:
        model: A baseline.
        history: What is known of the viewers, ones, CSR (n, n_items).
        k: Length of a ranking.

    Returns:
        Item rows, (n, k); NO_ITEM where nothing is left.
    """
    n, n_items = history.shape
    # In order of popularity a stable choice by score settles ties.
    order = np.argsort(-model.viewers, kind="stable")
    place_of = np.argsort(order, kind="stable")
    columns = place_of[model.items]
    known = history[:, model.items] if len(model.items) < n_items else history
    rows = np.full((n, k), NO_ITEM, dtype=np.int64)
    width = min(k, n_items)
    step = max(1, _BLOCK_CELLS // n_items)
    for start in range(0, n, step):
        block = slice(start, min(start + step, n))
        told = history[block]
        # By popularity alone nobody's list goes deeper than what the viewer has seen.
        deepest = n_items if model.weights is not None else width + int(np.diff(told.indptr).max())
        scores = np.zeros((block.stop - start, min(deepest, n_items)), dtype=np.float32)
        if model.weights is not None:
            found = known[block] @ model.weights
            scores[:, columns] = found if isinstance(found, np.ndarray) else found.toarray()
        viewers, seen = told.nonzero()
        places = place_of[seen]
        near = places < scores.shape[1]
        scores[viewers[near], places[near]] = -np.inf
        best, values = _first(scores, width)
        rows[block, :width] = np.where(np.isneginf(values), NO_ITEM, order[best])
    return rows


def _first(
    scores: NDArray[np.float32], width: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The greatest of each row, equals by column: (n, width) columns and scores."""
    if width == scores.shape[1]:
        columns = np.broadcast_to(np.arange(width), scores.shape)
    else:
        columns = np.argpartition(scores, -width, axis=1)[:, -width:]
        edge = np.take_along_axis(scores, columns, axis=1).min(axis=1, keepdims=True)
        # A partition takes any of those that tie at its edge: of these rows, the leftmost.
        tied = np.flatnonzero((scores >= edge).sum(axis=1) > width)
        columns[tied] = _leftmost(scores[tied], edge[tied], width)
    columns = np.sort(columns, axis=1)
    values = np.take_along_axis(scores, columns, axis=1)
    inside = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, inside, axis=1), np.take_along_axis(values, inside, axis=1)


def _leftmost(
    scores: NDArray[np.float32], edge: NDArray[np.float32], width: int
) -> NDArray[np.int64]:
    """Columns above the edge of each row, and as many at it as there is room for."""
    above, level = scores > edge, scores == edge
    room = width - above.sum(axis=1, keepdims=True)
    chosen = above | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= room))
    columns: NDArray[np.int64] = np.nonzero(chosen)[1].reshape(len(scores), width)
    return columns


def _nearest(
    model: CosineRecommender | BM25Recommender,
    matrix: csr_matrix,
    rng: np.random.Generator,
    limits: Limits,
) -> Neighbours:
    known, note = _bounded(_ones(matrix), rng, limits)
    with warnings.catch_warnings():
        # implicit warns of a conversion that is its own.
        warnings.simplefilter("ignore", ParameterWarning)
        model.fit(known, show_progress=False)
    weights = csr_matrix(model.similarity, dtype=np.float32)
    return Neighbours(weights, np.arange(matrix.shape[1]), _viewers(matrix), note)


def _bounded(
    matrix: csr_matrix, rng: np.random.Generator, limits: Limits
) -> tuple[csr_matrix, str]:
    pairs = np.diff(matrix.indptr).astype(np.int64) ** 2
    if pairs.sum() <= limits.pairs:
        return matrix, ""
    drawn = rng.permutation(len(pairs))
    within = int(np.searchsorted(np.cumsum(pairs[drawn]), limits.pairs, side="right"))
    note = f"fitted to {within:,} of {len(pairs):,} viewers, drawn at random"
    return matrix[np.sort(drawn[:within])], note


def _ones(matrix: csr_matrix) -> csr_matrix:
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


def _viewers(matrix: csr_matrix) -> NDArray[np.int64]:
    return np.bincount(matrix.indices, minlength=matrix.shape[1])
