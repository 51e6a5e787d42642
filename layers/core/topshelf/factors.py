"""Factors: what a trained model knows, and the taste of one viewer computed from it.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008). With
item factors Y (n_items, f), a viewer's confidences c and preference 1 at the observed items,

    x = (Y'Y + Y'(C - I)Y + lambda I)^-1 Y'C p                        (equation 4)

which costs O(f^2 n + f^3) for n observed items once the Gram matrix Y'Y is known.

lambda is the viewer's own: who is known by more events has more to be held back (Rendle, Krichene,
Zhang and Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks", 2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Regularization", "Tastes", "explain", "fold_in", "fold_in_many", "gram_matrix"]

type _Matrix = NDArray[np.float64]

_AT_ONCE = 1 << 18
"""Numbers in the factors of the histories that are solved at once, unless one alone has more."""

_SMALL = 8


@dataclass(frozen=True, slots=True)
class Regularization:
    """lambda of a row (a viewer, or an item), scaled by how much is known of it.

    Equation 7 of Rendle et al. (2021, arXiv 2110.14037), in the units of Hu et al., where an
    unobserved entry has confidence 1 and an observed one of a plain log 1 + 1/alpha_0. The count
    n + alpha_0 N of a row with n of N entries observed is then, but for a constant factor, the sum
    of its N confidences: that sum is what is scaled by, so that weak evidence counts for less.

    Attributes:
        scale: lambda of a row whose confidences sum to 1.
        exponent: nu of the paper: 0 for the same lambda everywhere, 1 for lambda in proportion.
    """

    scale: float
    exponent: float = 0.0

    def of(self, confidences: NDArray[np.float32], width: int) -> float:
        """Lambda of one row.

        Args:
            confidences: Of its observed entries, (n,); their signs say nothing here.
            width: Entries it has in all: items for a viewer, viewers for an item.
        """
        return float(self.of_rows(confidences[None, :], width)[0])

    def of_rows(self, confidences: NDArray[np.float32], width: int) -> NDArray[np.float64]:
        """Lambda of rows with as many observed entries each: (g, n) to (g,), see of."""
        known = (np.abs(confidences).astype(np.float64) - 1.0).sum(axis=1)
        return np.asarray(self.scale * (width + known) ** self.exponent)


def gram_matrix(item_factors: NDArray[np.float32]) -> _Matrix:
    """Y'Y in double precision: (n_items, f) float32 to (f, f) float64. Computed once a model."""
    wide = item_factors.astype(np.float64)
    return wide.T @ wide


@dataclass(frozen=True, slots=True)
class _Solved:
    """Histories of the same length, solved.

    Attributes:
        viewers: Which they are, (g,).
        rows: Item rows of the histories, (g, n).
        wanted: Whether entry j has preference 1, (g, n).
        pulls: W y_j c_j: what entry j of the history adds to the taste, (g, f, n).
    """

    viewers: NDArray[np.int64]
    rows: NDArray[np.integer]
    wanted: NDArray[np.bool_]
    pulls: _Matrix


@dataclass(frozen=True, slots=True)
class Tastes:
    """Factors of viewers, and where they come from.

    Attributes:
        vectors: (n, f) float32; zeros for an empty history.
    """

    vectors: NDArray[np.float32]
    _item_factors: NDArray[np.float32]
    _solved: tuple[_Solved, ...]

    def explain(self, recommended: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each recommended item the item of the history that contributes most to its score.

        Section 5 of the paper: the score of item i is the sum over the history of s_ij c_j with
        s_ij = y_i' W y_j and W = (Y'CY + lambda I)^-1, so each history item has its share.

        Args:
            recommended: Item rows to explain, (n, k); negative where there is none.

        Returns:
            Item rows of the histories, (n, k), negative where none was asked for; of equal shares
            the first in the history.

        Raises:
            ValueError: Something is recommended for an empty history.
        """
        because = np.full_like(recommended, -1)
        for some in self._solved:
            asked = self._item_factors[recommended[some.viewers]].astype(np.float64)
            shares = np.where(some.wanted[:, None, :], asked @ some.pulls, -np.inf)
            because[some.viewers] = np.take_along_axis(some.rows, shares.argmax(axis=2), axis=1)
        if (because[recommended >= 0] < 0).any():
            raise ValueError("an empty history explains nothing")
        because[recommended < 0] = -1
        return because


def fold_in_many(
    item_factors: NDArray[np.float32],
    gram: _Matrix,
    indptr: NDArray[np.integer],
    rows: NDArray[np.integer],
    confidences: NDArray[np.float32],
    *,
    regularization: Regularization,
    explained: bool = False,
) -> Tastes:
    """Viewers' factors by the exact ALS step (Hu et al., equation 4).

    Histories of the same length are solved together, so that nothing is padded: a viewer's factors
    are the same bytes whoever else is asked for.

    Args:
        item_factors: Y, (n_items, f) float32.
        gram: Y'Y, (f, f), see gram_matrix.
        indptr: CSR row pointers of the viewers' histories, (n + 1,).
        rows: Item rows that they interacted with, distinct in a history, in any order, (nnz,).
        confidences: Theirs, at least 1, (nnz,); 1 is what unobserved items have. The negative of
            one where the preference is 0, as implicit writes it.
        regularization: Of the training; above 0.
        explained: Whether to keep what Tastes.explain needs, f float64 an entry.

    Raises:
        numpy.linalg.LinAlgError: A system is not positive definite: a confidence is far below 1,
            or the factors are not numbers.
    """
    n_items, f = item_factors.shape
    vectors = np.zeros((len(indptr) - 1, f), dtype=np.float32)
    solved = []
    for viewers, entries in _of_one_length(indptr, f):
        own, known = rows[entries], confidences[entries]
        lambdas = regularization.of_rows(known, n_items)
        observed, weights = item_factors[own].astype(np.float64), known.astype(np.float64)
        inverse = _inverse_root(observed, gram, np.abs(weights), lambdas)
        # With L of the system's Cholesky factors, W is L^-T L^-1.
        wanted = np.maximum(weights, 0.0)
        halves = inverse @ (observed * wanted[:, :, None]).transpose(0, 2, 1)
        turned = inverse.transpose(0, 2, 1)
        vectors[viewers] = (turned @ halves.sum(axis=2, keepdims=True))[:, :, 0]
        if explained:
            solved.append(_Solved(viewers, own, weights > 0, turned @ halves))
    return Tastes(vectors, item_factors, tuple(solved))


def fold_in(
    item_factors: NDArray[np.float32],
    gram: _Matrix,
    rows: NDArray[np.int64],
    confidences: NDArray[np.float32],
    regularization: Regularization,
) -> NDArray[np.float32]:
    """One viewer's factors, (f,) float32: fold_in_many of one history, see there."""
    history = np.array([0, len(rows)]), rows, confidences
    tastes = fold_in_many(item_factors, gram, *history, regularization=regularization)
    found: NDArray[np.float32] = tastes.vectors[0]
    return found


def explain(
    item_factors: NDArray[np.float32],
    gram: _Matrix,
    rows: NDArray[np.int64],
    confidences: NDArray[np.float32],
    *,
    regularization: Regularization,
    recommended: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Tastes.explain for one viewer.

    Args:
        item_factors: Y, (n_items, f) float32.
        gram: Y'Y, (f, f).
        rows: Item rows of the history, (n,), not empty.
        confidences: Their confidences, (n,).
        regularization: As in fold_in.
        recommended: Item rows to explain, (k,).

    Returns:
        Item rows of the history, (k,); of equal shares the first in the history.

    Raises:
        ValueError: The history is empty.
    """
    if len(rows) == 0:
        raise ValueError("an empty history explains nothing")
    history = np.array([0, len(rows)]), rows, confidences
    tastes = fold_in_many(
        item_factors, gram, *history, regularization=regularization, explained=True
    )
    found: NDArray[np.int64] = tastes.explain(recommended[None, :])[0]
    return found


def _of_one_length(
    indptr: NDArray[np.integer], f: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Viewers, (g,), and the places of their entries, (g, n); empty histories are left out."""
    lengths = np.diff(indptr)
    order = np.argsort(lengths, kind="stable")
    for n in np.unique(lengths[lengths > 0]).tolist():
        first, end = np.searchsorted(lengths[order], [n, n + 1]).tolist()
        at_once = max(1, _AT_ONCE // (f * max(n, f)))
        for start in range(first, end, at_once):
            viewers = order[start : min(start + at_once, end)]
            yield viewers, indptr[viewers].astype(np.int64)[:, None] + np.arange(n)


def _inverse_root(
    observed: _Matrix, gram: _Matrix, weights: _Matrix, lambdas: NDArray[np.float64]
) -> _Matrix:
    """L^-1, (g, f, f), where L L' is Y'CY + lambda I of each history."""
    pulled = (observed * (weights - 1.0)[:, :, None]).transpose(0, 2, 1)
    systems = gram + pulled @ observed
    diagonal = np.arange(len(gram))
    systems[:, diagonal, diagonal] += lambdas[:, None]
    return _inverse(np.linalg.cholesky(systems))


def _inverse(lower: _Matrix) -> _Matrix:
    """The inverses of lower triangles, by halves: numpy has no solver for triangles."""
    f = lower.shape[-1]
    if f <= _SMALL:
        return np.linalg.inv(lower)
    half = f // 2
    upper_left, lower_right = _inverse(lower[:, :half, :half]), _inverse(lower[:, half:, half:])
    found = np.zeros_like(lower)
    found[:, :half, :half] = upper_left
    found[:, half:, half:] = lower_right
    found[:, half:, :half] = -lower_right @ (lower[:, half:, :half] @ upper_left)
    return found
