"""One half of an alternation on the CPU, compiled by numba: conjugate gradients, row by row.

Takács, Pilászy and Tikk, "Applications of the conjugate gradient method for implicit feedback
collaborative filtering" (RecSys 2011): a row's system is never built; a step costs O(f^2 + n f) for
n observed entries. Every row has a regularization of its own, which costs nothing here.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training.compiling import compiled

__all__ = ["half_step"]

type _Floats = NDArray[np.float32]

_STEPS = 3
_BLOCK_WORK = 1 << 18
_CONVERGED = np.float32(1e-20)


def half_step(
    matrix: csr_matrix,
    regularization: NDArray[np.float32],
    fixed: NDArray[np.float32],
    solved: NDArray[np.float32],
    threads: int,
) -> None:
    """Moves the rows of one side towards their exact solution, three steps from where they are.

    Rows do not depend on each other, so threads change no byte. Another kind of processor may:
    the compiler orders sums by the width of its registers.

    Args:
        matrix: Confidences, float32 CSR (n, m); negative where the preference is 0.
        regularization: lambda of each row, (n,).
        fixed: Factors of the other side, (m, f).
        solved: Factors of this side, (n, f), changed in place.
        threads: At least 1.
    """
    gram = fixed.T @ fixed
    starts = _blocks(matrix.indptr, fixed.shape[1])
    arrays = matrix.indptr, matrix.indices, matrix.data, gram, regularization, fixed, solved

    def solve(block: int) -> None:
        _solve_rows(*arrays, starts[block], starts[block + 1])

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(solve, range(len(starts) - 1)):
            pass


def _blocks(indptr: NDArray[np.integer], f: int) -> NDArray[np.int64]:
    """Row bounds of blocks of like work, small enough to share evenly and to stop soon."""
    work = indptr[1:].astype(np.int64) + np.arange(1, len(indptr)) * f
    n_blocks = max(1, int(work[-1]) // _BLOCK_WORK)
    inner = np.searchsorted(work, np.arange(1, n_blocks) * (int(work[-1]) // n_blocks))
    return np.unique(np.concatenate([[0], inner, [len(indptr) - 1]]))


# Sums may be reordered, but not-a-number is kept: that is how a divergence shows.
_compiled = compiled(freedoms=("reassoc", "contract", "nsz", "arcp"))


@_compiled
def _multiply_dense(
    gram: _Floats, scale: np.float32, vector: _Floats, product: _Floats
) -> None:  # pragma: no cover  (runs compiled, like all below)
    """Product = (gram + scale I) vector."""
    f = len(vector)
    for k in range(f):
        product[k] = scale * vector[k]
    # Four rows in one pass: a quarter of the loads and stores of the product.
    whole = f - f % 4
    for j in range(0, whole, 4):
        a, b, c, d = vector[j], vector[j + 1], vector[j + 2], vector[j + 3]
        for k in range(f):
            product[k] += (
                a * gram[j, k] + b * gram[j + 1, k] + c * gram[j + 2, k] + d * gram[j + 3, k]
            )
    for j in range(whole, f):
        for k in range(f):
            product[k] += vector[j] * gram[j, k]


# Compiled code has no keyword-only arguments.
@_compiled
def _add_observed(  # noqa: PLR0917
    indices: NDArray[np.integer],
    confidences: _Floats,
    fixed: _Floats,
    vector: _Floats,
    preference: np.float32,
    product: _Floats,
) -> None:  # pragma: no cover
    """Product += sum over y of ((|c| - 1) y'vector - max(c, 0) preference) y."""
    f = len(vector)
    one, none = np.float32(1), np.float32(0)
    paired = len(indices) - len(indices) % 2
    for entry in range(0, paired, 2):
        i, j = indices[entry], indices[entry + 1]
        a = b = np.float32(0)
        for k in range(f):
            a += fixed[i, k] * vector[k]
            b += fixed[j, k] * vector[k]
        c, d = confidences[entry], confidences[entry + 1]
        a = a * (abs(c) - one) - preference * max(c, none)
        b = b * (abs(d) - one) - preference * max(d, none)
        for k in range(f):
            product[k] += a * fixed[i, k] + b * fixed[j, k]
    for entry in range(paired, len(indices)):
        i = indices[entry]
        a = np.float32(0)
        for k in range(f):
            a += fixed[i, k] * vector[k]
        c = confidences[entry]
        a = a * (abs(c) - one) - preference * max(c, none)
        for k in range(f):
            product[k] += a * fixed[i, k]


# Rows are copied by loops: an assignment of a whole row takes 3 seconds more to compile.
@_compiled
def _solve_rows(  # noqa: C901, PLR0917
    indptr: NDArray[np.integer],
    indices: NDArray[np.integer],
    confidences: _Floats,
    gram: _Floats,
    regularization: _Floats,
    fixed: _Floats,
    solved: _Floats,
    start: int,
    stop: int,
) -> None:  # pragma: no cover
    # Buffers of their own, x too: what could overlap is not vectorized, and costs four times.
    f = gram.shape[0]
    x = np.empty(f, np.float32)
    residual = np.empty(f, np.float32)
    direction = np.empty(f, np.float32)
    product = np.empty(f, np.float32)
    for row in range(start, stop):
        first, last = indptr[row], indptr[row + 1]
        if first == last:
            for k in range(f):
                solved[row, k] = 0
            continue
        for k in range(f):
            x[k] = solved[row, k]
        rows, weights = indices[first:last], confidences[first:last]
        _multiply_dense(gram, regularization[row], x, product)
        _add_observed(rows, weights, fixed, x, np.float32(1), product)
        squared = np.float32(0)
        for k in range(f):
            residual[k] = direction[k] = -product[k]
            squared += residual[k] * residual[k]
        for _ in range(_STEPS):
            if squared < _CONVERGED:
                break
            _multiply_dense(gram, regularization[row], direction, product)
            _add_observed(rows, weights, fixed, direction, np.float32(0), product)
            along = np.float32(0)
            for k in range(f):
                along += direction[k] * product[k]
            length = squared / along
            before, squared = squared, np.float32(0)
            for k in range(f):
                x[k] += length * direction[k]
                residual[k] -= length * product[k]
                squared += residual[k] * residual[k]
            turn = squared / before
            for k in range(f):
                direction[k] = residual[k] + turn * direction[k]
        for k in range(f):
            solved[row, k] = x[k]
