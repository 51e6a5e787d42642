"""What a regularization is derived from, in sums that parts of the viewers can be added up to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = ["Degrees"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrees:
    """How much is known of the rows and columns of a matrix of confidences.

    Attributes:
        users: Rows.
        entries: Stored entries.
        squares: Sum over the rows of their squared number of entries.
        confidences: Sum of the entries.
        viewers: Entries of each column, (n_items,) int64.
    """

    users: int
    entries: int
    squares: float
    confidences: float
    viewers: NDArray[np.int64]

    @classmethod
    def of(cls, matrix: csr_matrix) -> Self:
        """Those of a matrix, CSR (n_users, n_items)."""
        viewed = np.diff(matrix.indptr).astype(np.float64)
        return cls(
            users=matrix.shape[0],
            entries=int(matrix.nnz),
            squares=float((viewed**2).sum()),
            confidences=float(matrix.data.sum(dtype=np.float64)),
            viewers=np.bincount(matrix.indices, minlength=matrix.shape[1]),
        )

    def __add__(self, other: Self) -> Self:
        """Those of both matrices, one below the other."""
        return type(self)(
            users=self.users + other.users,
            entries=self.entries + other.entries,
            squares=self.squares + other.squares,
            confidences=self.confidences + other.confidences,
            viewers=self.viewers + other.viewers,
        )
