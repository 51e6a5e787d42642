"""Alternating least squares on the CPU, by implicit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.errors import InvalidInputError
from topshelf.factors import fold_in, gram_matrix

__all__ = ["ALSFactors", "ALSParameters", "fit_als", "fold_in_users", "regularization_of"]

_COLLAPSED = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ALSParameters:
    """Parameters of a training.

    The defaults come from a short search on validation splits of MovieLens sets, dense and thinned
    out, and of simulated viewers.

    Attributes:
        factors: Number of latent factors f.
        regularization: lambda of Hu, Koren and Volinsky (2008), not scaled by the number of events;
            None to derive it from the data, see regularization_of.
        shrinkage: Share of the data's noise that a derived regularization removes.
        iterations: Alternations; each updates all users, then all items.
        seed: Of the initial factors.
        threads: Of the solver; 0 means one a core. The result does not depend on it.
    """

    factors: int = 64
    regularization: float | None = None
    shrinkage: float = 0.7
    iterations: int = 15
    seed: int = 42
    threads: int = 0

    def __post_init__(self) -> None:
        given = self.shrinkage if self.regularization is None else self.regularization
        if min(self.factors, self.iterations, given) <= 0:
            raise InvalidInputError(
                "parameters",
                f"factors, iterations, regularization and shrinkage must be above 0: {self}",
            )


@dataclass(frozen=True, slots=True)
class ALSFactors:
    """A trained model.

    Attributes:
        users: (n_users, f) float32, exactly what a fold-in of the same history gives.
        items: (n_items, f) float32.
        gram: (f, f) float64, see topshelf.factors.gram_matrix.
        regularization: lambda as it was used.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    gram: NDArray[np.float64]
    regularization: float


def regularization_of(parameters: ALSParameters, matrix: csr_matrix) -> float:
    """The lambda of a training: the given one, or one that fits the data.

    With confidence 1 everywhere, ALS shrinks each singular value of the preference matrix by lambda
    (Mazumder, Hastie and Tibshirani, "Spectral Regularization Algorithms for Learning Large
    Incomplete Matrices", JMLR 2010, lemma 6). Singular values of mere noise reach the sum of the
    root degrees of rows and columns, so a share of that keeps taste and drops noise: a fixed
    lambda is too little for many viewers and leaves nothing of few. Degrees are means over events,
    because noise concentrates where events do.

    Args:
        parameters: Of the training.
        matrix: CSR (n_users, n_items), not empty.
    """
    if parameters.regularization is not None:
        return parameters.regularization
    viewed = np.diff(matrix.indptr).astype(np.float64)
    viewers = np.bincount(matrix.indices).astype(np.float64)
    edge = sum(np.sqrt((degree**2).sum() / matrix.nnz) for degree in (viewed, viewers))
    return float(parameters.shrinkage * edge)


def fit_als(
    matrix: csr_matrix, parameters: ALSParameters, on_iteration: Callable[[int], None]
) -> ALSFactors:
    """Trains ALS (Hu, Koren and Volinsky, ICDM 2008).

    implicit's last step updates the items and leaves the users one half-step behind; users are
    therefore computed once more, by the fold-in that a refresh uses, so that both agree.

    Args:
        matrix: Confidences, float32 CSR (n_users, n_items).
        parameters: Of the training; the same matrix and parameters give the same bytes.
        on_iteration: Told the number of iterations done.

    Raises:
        InvalidInputError: The parameters lead to no usable factors.
    """
    regularization = regularization_of(parameters, matrix)
    # implicit runs threads of its own; with BLAS threads below them it slows down and says so.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=parameters.factors,
            regularization=regularization,
            iterations=parameters.iterations,
            num_threads=parameters.threads,
            random_state=parameters.seed,
        )
        try:
            model.fit(
                matrix,
                show_progress=False,
                callback=lambda iteration, _seconds, _loss: on_iteration(iteration + 1),
            )
        except ModelFitError as error:
            raise InvalidInputError(
                "parameters", f"training diverged ({error}); raise the regularization"
            ) from error
        items = np.ascontiguousarray(model.item_factors, dtype=np.float32)
        gram = gram_matrix(items)
        users = fold_in_users(items, gram, matrix, regularization)
    if max(np.abs(items).max(), np.abs(users).max()) < _COLLAPSED:
        raise InvalidInputError(
            "parameters",
            f"a regularization of {regularization:g} leaves nothing of so few "
            "interactions; lower it or bring more events",
        )
    return ALSFactors(users, items, gram, regularization)


def fold_in_users(
    item_factors: NDArray[np.float32],
    gram: NDArray[np.float64],
    matrix: csr_matrix,
    regularization: float,
) -> NDArray[np.float32]:
    """The factors of every user by topshelf.factors.fold_in, (n_users, f) float32."""
    users = np.empty((matrix.shape[0], item_factors.shape[1]), dtype=np.float32)
    for row, (start, stop) in enumerate(zip(matrix.indptr, matrix.indptr[1:], strict=False)):
        history = matrix.indices[start:stop], matrix.data[start:stop]
        users[row] = fold_in(item_factors, gram, *history, regularization)
    return users
