"""Every viewer's taste at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.factors import Regularization, fold_in_many
from training.pool import in_threads

__all__ = ["fold_in_users"]

_BLOCK = 4096


def fold_in_users(
    item_factors: NDArray[np.float32],
    gram: NDArray[np.float64],
    matrix: csr_matrix,
    regularization: Regularization,
    threads: int = 0,
) -> NDArray[np.float32]:
    """The factors of every user by topshelf.factors.fold_in_many, (n_users, f) float32.

    Args:
        item_factors: (n_items, f) float32.
        gram: Theirs, see topshelf.factors.gram_matrix.
        matrix: Confidences, CSR (n_users, n_items), columns in any order.
        regularization: Of the tastes.
        threads: That share the users; 0 means one a core. The result does not depend on it.
    """
    users = np.empty((matrix.shape[0], item_factors.shape[1]), dtype=np.float32)
    indptr = matrix.indptr.astype(np.int64)

    def fold(start: int) -> None:
        bounds = indptr[start : start + _BLOCK + 1]
        own = slice(bounds[0], bounds[-1])
        history = bounds - bounds[0], matrix.indices[own], matrix.data[own]
        tastes = fold_in_many(item_factors, gram, *history, regularization=regularization)
        users[start : start + _BLOCK] = tastes.vectors

    for _ in in_threads(fold, range(0, len(users), _BLOCK), threads):
        pass
    return users
