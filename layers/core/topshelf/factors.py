"""Factors: what a trained model knows, and the taste of one viewer computed from it.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008). With
item factors Y (n_items, f), a viewer's confidences c and preference 1 at the observed items,

    x = (Y'Y + Y'(C - I)Y + lambda I)^-1 Y'C p                        (equation 4)

which costs O(f^2 n + f^3) for n observed items once the Gram matrix Y'Y is known.

lambda is the viewer's own: who is known by more events has more to be held back (Rendle, Krichene,
Zhang and Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks", 2021).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from topshelf.errors import IntegrityError

__all__ = ["IdMap", "Regularization", "explain", "fold_in", "gram_matrix"]

type _Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IdMap:
    """External ids and the rows they have in a matrix.

    Attributes:
        ids: The ids, distinct and sorted, so that the same ids have the same rows; (n,).
    """

    ids: tuple[str, ...]
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if any(a >= b for a, b in zip(self.ids, self.ids[1:], strict=False)):
            raise ValueError("ids must be distinct and sorted; use IdMap.of")
        object.__setattr__(self, "_rows", {name: row for row, name in enumerate(self.ids)})

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """Maps the distinct ids of any iterable."""
        return cls(tuple(sorted(set(ids))))

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """Reads what to_json wrote.

        Raises:
            IntegrityError: It is no sorted list of distinct ids.
        """
        try:
            return cls(tuple(json.loads(raw)))
        except (TypeError, ValueError) as error:
            raise IntegrityError(
                f"the id list is damaged: {error}; train the model again"
            ) from error

    def to_json(self) -> bytes:
        """The ids as a JSON list, in the order of their rows."""
        return json.dumps(self.ids, separators=(",", ":")).encode()

    def row(self, name: str) -> int | None:
        """The row of an id; None if it is unknown."""
        return self._rows.get(name)

    def __len__(self) -> int:
        return len(self.ids)


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
            confidences: Of its observed entries, (n,).
            width: Entries it has in all: items for a viewer, viewers for an item.
        """
        known = float((confidences.astype(np.float64) - 1.0).sum())
        return float(self.scale * (width + known) ** self.exponent)


def gram_matrix(item_factors: NDArray[np.float32]) -> _Matrix:
    """Y'Y in double precision: (n_items, f) float32 to (f, f) float64. Computed once a model."""
    wide = item_factors.astype(np.float64)
    return wide.T @ wide


def fold_in(
    item_factors: NDArray[np.float32],
    gram: _Matrix,
    rows: NDArray[np.int64],
    confidences: NDArray[np.float32],
    regularization: Regularization,
) -> NDArray[np.float32]:
    """A viewer's factors by the exact ALS step (Hu et al., equation 4).

    Args:
        item_factors: Y, (n_items, f) float32.
        gram: Y'Y, (f, f), see gram_matrix.
        rows: Item rows that the viewer interacted with, distinct, (n,).
        confidences: Their confidences, at least 1, (n,); 1 is what unobserved items have.
        regularization: Of the training; above 0.

    Returns:
        (f,) float32; zeros for an empty history.

    Raises:
        numpy.linalg.LinAlgError: The system is not positive definite: a confidence is far below
            1, or the factors are not numbers.
    """
    observed = item_factors[rows].astype(np.float64)
    weights = confidences.astype(np.float64)
    own = regularization.of(confidences, len(item_factors))
    lower = _cholesky(observed, gram, weights, own)
    return _solve(lower, weights @ observed).astype(np.float32)


def explain(
    item_factors: NDArray[np.float32],
    gram: _Matrix,
    rows: NDArray[np.int64],
    confidences: NDArray[np.float32],
    *,
    regularization: Regularization,
    recommended: NDArray[np.int64],
) -> NDArray[np.int64]:
    """For each recommended item the item of the history that contributes most to its score.

    Section 5 of the paper: the score of item i is the sum over the history of s_ij c_j with
    s_ij = y_i' W y_j and W = (Y'CY + lambda I)^-1, so each history item has its share.

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
    observed = item_factors[rows].astype(np.float64)
    weights = confidences.astype(np.float64)
    own = regularization.of(confidences, len(item_factors))
    lower = _cholesky(observed, gram, weights, own)
    similar = item_factors[recommended].astype(np.float64) @ _solve(lower, observed.T)
    return rows[np.argmax(similar * weights, axis=1)]


def _cholesky(observed: _Matrix, gram: _Matrix, weights: _Matrix, regularization: float) -> _Matrix:
    system = gram + (observed.T * (weights - 1.0)) @ observed
    system[np.diag_indices_from(system)] += regularization
    return np.linalg.cholesky(system)


def _solve(lower: _Matrix, right: _Matrix) -> _Matrix:
    # numpy has no triangular solver; at f = 64 the general one costs microseconds.
    return np.linalg.solve(lower.T, np.linalg.solve(lower, right))
