"""Alternating least squares for implicit feedback, on the CPU."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import process_cpu_count

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from topshelf.errors import InvalidInputError
from topshelf.factors import Regularization, gram_matrix
from topshelf.recency import Recency
from training.checkpoints import Checkpoints, Progressed
from training.degrees import Degrees
from training.folding import fold_in_users
from training.solver import half_step

__all__ = [
    "USUAL_SHRINKAGE",
    "ALSFactors",
    "ALSParameters",
    "derived_regularization",
    "fit_als",
    "fold_in_users",
    "regularization_of",
    "row_regularization",
]

MAX_FACTORS = 1024
MAX_ITERATIONS = 1000

USUAL_SHRINKAGE = 0.5
"""Near the best on MovieLens sets, dense and thinned out."""

_COLLAPSED = 1e-3
_START = 0.1
"""Spread of a user's or item's first score, as Rendle et al. start: their sigma*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ALSParameters:
    """Parameters of a training.

    The defaults come from a search on validation splits of MovieLens sets, dense and thinned
    out, and of simulated viewers.

    Attributes:
        factors: Number of latent factors f.
        regularization: Scale of lambda, see topshelf.factors.Regularization; None to derive it
            from the data, see regularization_of.
        exponent: How lambda grows with what is known of a row: nu of Rendle et al. (2021).
        shrinkage: Share of the data's noise that a derived regularization removes; None for what
            the validation says (training.shrinkage), and for USUAL_SHRINKAGE where nobody asks it.
        iterations: Alternations; each updates all users, then all items.
        seed: Of the initial factors.
        threads: Of the solver; 0 means one a core. The result does not depend on it.
    """

    factors: int = 64
    regularization: float | None = None
    exponent: float = 0.5
    shrinkage: float | None = None
    iterations: int = 15
    seed: int = 42
    threads: int = 0

    def __post_init__(self) -> None:
        given = [one for one in (self.regularization, self.shrinkage) if one is not None]
        if min(self.factors, self.iterations, *given) <= 0:
            raise InvalidInputError(
                "parameters",
                f"factors, iterations, regularization and shrinkage must be above 0: {self}",
            )
        if self.factors > MAX_FACTORS or self.iterations > MAX_ITERATIONS:
            raise InvalidInputError(
                "parameters",
                f"at most {MAX_FACTORS:,} factors and {MAX_ITERATIONS:,} iterations: {self}",
            )
        if min(self.seed, self.threads) < 0:
            raise InvalidInputError("parameters", f"seed and threads must not be negative: {self}")
        if not 0 <= self.exponent <= 2:
            raise InvalidInputError("parameters", f"exponent must be 0..2: {self}")


@dataclass(frozen=True, slots=True)
class ALSFactors:
    """A trained model.

    Attributes:
        users: (n_users, f) float32, exactly what a fold-in of what is served gives.
        items: (n_items, f) float32.
        gram: (f, f) float64, see topshelf.factors.gram_matrix.
        regularization: Of the users' factors.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    gram: NDArray[np.float64]
    regularization: Regularization


def regularization_of(parameters: ALSParameters, matrix: csr_matrix) -> Regularization:
    """The regularization of a training: the given one, or one that fits the data.

    With confidence 1 everywhere, ALS shrinks each singular value of the preference matrix by lambda
    (Mazumder, Hastie and Tibshirani, "Spectral Regularization Algorithms for Learning Large
    Incomplete Matrices", JMLR 2010, lemma 6). Singular values of mere noise reach the sum of the
    root degrees of rows and columns, so a share of that keeps taste and drops noise: a fixed
    lambda is too little for many viewers and leaves nothing of few. Degrees are means over events,
    because noise concentrates where events do. A confidence c stretches an entry, and its noise, by
    the root of c. This is what lambda of the average row comes to, taken over both sides as their
    geometric mean: only the product of the two sides' matters.

    Args:
        parameters: Of the training.
        matrix: Confidences, CSR (n_users, n_items), not empty.
    """
    if parameters.regularization is not None:
        return Regularization(parameters.regularization, parameters.exponent)
    return derived_regularization(parameters, Degrees.of(matrix))


def derived_regularization(parameters: ALSParameters, degrees: Degrees) -> Regularization:
    """The regularization that fits the data; see regularization_of.

    Args:
        parameters: Of the training; its own regularization counts for nothing here.
        degrees: Of the matrix of confidences.
    """
    viewers = degrees.viewers.astype(np.float64)
    squares = degrees.squares, float((viewers**2).sum())
    edge = sum(np.sqrt(total / degrees.entries) for total in squares)
    stretch = np.sqrt(degrees.confidences / degrees.entries)
    known = degrees.confidences - degrees.entries
    n_users, n_items = degrees.users, len(viewers)
    average = np.sqrt((n_items + known / n_users) * (n_users + known / n_items))
    shrinkage = USUAL_SHRINKAGE if parameters.shrinkage is None else parameters.shrinkage
    scale = shrinkage * edge * stretch / average**parameters.exponent
    return Regularization(float(scale), parameters.exponent)


def fit_als(
    matrix: csr_matrix,
    parameters: ALSParameters,
    on_iteration: Callable[[int], None],
    checkpoints: Checkpoints | None = None,
    *,
    served: csr_matrix | None = None,
    recency: Recency | None = None,
    unclicked: csr_matrix | None = None,
) -> ALSFactors:
    """Trains ALS (Hu, Koren and Volinsky, ICDM 2008) as Rendle et al. (arXiv 2110.14037) do.

    The last step updates the items and leaves the users one half-step behind; users are therefore
    computed once more, by the fold-in that a refresh uses, so that both agree.

    Args:
        matrix: Confidences, float32 CSR (n_users, n_items).
        parameters: Of the training; the same matrix and parameters give the same bytes.
        on_iteration: Told the number of iterations done; first that of a checkpoint.
        checkpoints: Where to continue from, and to keep what is done; None to keep nothing.
        served: Confidences that the users' factors are folded in from, float32 CSR, columns in any
            order; None for those of the training. See topshelf.weighing.
        recency: Gives the regularization of the users' factors; None for the training's own.
        unclicked: Pairs of preference 0, none of them in the matrix: the negative of their
            confidence, float32 CSR; None for none. They do not count in what is derived.

    Raises:
        InvalidInputError: The parameters lead to no usable factors.
        UnavailableError: The store of checkpoints does not answer.
    """
    regularization = regularization_of(parameters, matrix)
    observed = matrix
    if unclicked is not None:
        matrix = (matrix + unclicked).tocsr()
        matrix.sort_indices()
    kept = (
        checkpoints.of(
            matrix,
            factors=parameters.factors,
            iterations=parameters.iterations,
            decided_by={**asdict(regularization), "seed": parameters.seed},
        )
        if checkpoints
        else None
    )
    state = (kept.load() if kept else None) or _start(matrix, parameters)
    threads = parameters.threads or process_cpu_count() or 1
    transposed = matrix.T.tocsr()
    of_users = row_regularization(regularization, matrix)
    of_items = row_regularization(regularization, transposed)
    users, items = state.users, state.items
    # Threads share rows, not products: BLAS with threads has other last bits, and is in the way.
    with threadpool_limits(1, "blas"):
        if state.iterations:
            on_iteration(state.iterations)
        for iteration in range(state.iterations + 1, parameters.iterations + 1):
            half_step(matrix, of_users, items, users, threads)
            half_step(transposed, of_items, users, items, threads)
            if not np.isfinite(items).all():
                raise InvalidInputError("parameters", "training diverged; raise the regularization")
            if kept:
                kept.save(Progressed(iteration, users, items))
            on_iteration(iteration)
        gram = gram_matrix(items)
        of_served = recency.regularization(regularization) if recency else regularization
        users = fold_in_users(
            items, gram, observed if served is None else served, of_served, threads
        )
    if max(np.abs(items).max(), np.abs(users).max()) < _COLLAPSED:
        raise InvalidInputError(
            "parameters",
            f"a regularization of {regularization.scale:g} leaves nothing of so few "
            "interactions; lower it or bring more events",
        )
    return ALSFactors(users, items, gram, of_served)


def _start(matrix: csr_matrix, parameters: ALSParameters) -> Progressed:
    rng = np.random.default_rng(parameters.seed)
    spread = np.float32(_START / np.sqrt(parameters.factors))
    users, items = (
        rng.standard_normal((n, parameters.factors), dtype=np.float32) * spread
        for n in matrix.shape
    )
    return Progressed(0, users, items)


def row_regularization(regularization: Regularization, matrix: csr_matrix) -> NDArray[np.float32]:
    """regularization.of every row at once, (n,)."""
    beyond = np.abs(matrix.data).astype(np.float64) - 1.0
    sums = np.concatenate([[0.0], np.cumsum(beyond)])
    known = np.diff(sums[matrix.indptr])
    found = regularization.scale * (matrix.shape[1] + known) ** regularization.exponent
    return np.asarray(found, dtype=np.float32)
