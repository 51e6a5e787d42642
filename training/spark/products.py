"""What a share of the viewers adds to one step of the items' conjugate gradients.

An item's system is the sum over all viewers of (c - 1) x x', and X'X, and lambda; its right-hand
side the sum of c x (Hu et al. 2008, equation 5). Conjugate gradients never need the system, only
its product with a direction, and that is a sum over the viewers, too: each share adds a matrix of
the size of the item factors, however many viewers it has. See training.kernel for the same steps on
one machine.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training.compiling import compiled

__all__ = ["observed_products"]

type _Floats = NDArray[np.float32]


def observed_products(
    matrix: csr_matrix, users: _Floats, direction: _Floats, preference: float
) -> _Floats:
    """For each item the sum over its viewers of ((c - 1) x'd - preference c) x.

    Args:
        matrix: Confidences of some viewers, float32 CSR (n, n_items).
        users: Their factors x, (n, f).
        direction: d of each item, (n_items, f).
        preference: 1 to subtract the right-hand side, 0 for the product alone.

    Returns:
        (n_items, f) float32.
    """
    product = np.zeros_like(direction)
    parts = matrix.indptr, matrix.indices, matrix.data
    _add_products(*parts, users, direction, np.float32(preference), product)
    return product


# Compiled code has no keyword-only arguments.
@compiled(freedoms=("reassoc", "contract", "nsz", "arcp"))
def _add_products(  # noqa: PLR0917
    indptr: NDArray[np.integer],
    indices: NDArray[np.integer],
    confidences: _Floats,
    users: _Floats,
    direction: _Floats,
    preference: np.float32,
    product: _Floats,
) -> None:  # pragma: no cover  (runs compiled)
    f = users.shape[1]
    x = np.empty(f, np.float32)
    for row in range(len(indptr) - 1):
        for k in range(f):
            x[k] = users[row, k]
        for entry in range(indptr[row], indptr[row + 1]):
            item = indices[entry]
            along = np.float32(0)
            for k in range(f):
                along += direction[item, k] * x[k]
            confidence = confidences[entry]
            weight = along * (confidence - np.float32(1)) - preference * confidence
            for k in range(f):
                product[item, k] += weight * x[k]
