"""One half of an alternation by implicit's own solver, for where numba is absent.

implicit has one regularization for all rows of a call, so rows are put into four groups of like
regularization, and each group gets the geometric mean of its own: an approximation.
"""

import numpy as np
from implicit.cpu._als import least_squares_cg
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = ["half_step"]

_STEPS = 3
_BUCKETS = 4


def half_step(
    matrix: csr_matrix,
    regularization: NDArray[np.float32],
    fixed: NDArray[np.float32],
    solved: NDArray[np.float32],
    threads: int,
) -> None:
    """Like training.kernel.half_step, with the regularization of the rows in four values."""
    for rows in _buckets(regularization):
        mean = float(np.exp(np.log(regularization[rows].astype(np.float64)).mean()))
        part = np.ascontiguousarray(solved[rows])
        least_squares_cg(matrix[rows], part, fixed, mean, num_threads=threads, cg_steps=_STEPS)
        solved[rows] = part


def _buckets(regularization: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Rows by regularization, in groups of equal width on a logarithmic scale, none empty."""
    logs = np.log(regularization.astype(np.float64))
    low, high = logs.min(), logs.max()
    if high - low < 1e-6:
        return [np.arange(len(logs))]
    group = np.minimum((logs - low) / (high - low) * _BUCKETS, _BUCKETS - 1).astype(np.int64)
    found = [np.flatnonzero(group == number) for number in range(_BUCKETS)]
    return [rows for rows in found if len(rows)]
