"""What ALS has to beat: each model is a pair of factors, so that one exact ranking serves all.

A model that scores a history by similar items, ``history @ similarity``, is such a pair, too: the
history is the viewer's factor and a column of the similarities the item's.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from implicit.utils import ParameterWarning
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from tests.benchmarks.splits import Asked
from topshelf.features import ConfidenceWeights
from training.als import ALSParameters, fit_als, fold_in_users

__all__ = ["Als", "Factors", "bm25", "cosine", "ease", "implicit_als", "popularity"]

type Factors = tuple[NDArray[np.float32], NDArray[np.float32]]

_NEIGHBOURS = 100


def popularity(train: csr_matrix, asked: Asked) -> Factors:
    """How many viewers an item had."""
    viewers = np.bincount(train.indices, minlength=train.shape[1]).astype(np.float32)
    return np.ones((asked.history.shape[0], 1), dtype=np.float32), viewers[:, None]


def cosine(train: csr_matrix, asked: Asked) -> Factors:
    """Item-item cosine, the nearest 100."""
    return _neighbours(CosineRecommender(K=_NEIGHBOURS), train, asked)


def bm25(train: csr_matrix, asked: Asked) -> Factors:
    """Item-item by BM25, the nearest 100."""
    return _neighbours(BM25Recommender(K=_NEIGHBOURS), train, asked)


def ease(train: csr_matrix, asked: Asked, *, ridge: float = 300.0) -> Factors:
    """EASE: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019)."""
    gram = (train.T @ train).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return asked.history.toarray(), np.ascontiguousarray(weights.T.astype(np.float32))


def implicit_als(
    train: csr_matrix, asked: Asked, *, factors: int, regularization: float, alpha: float
) -> Factors:
    """ALS of implicit; viewers by its own recalculation."""
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors, regularization=regularization, alpha=alpha, random_state=42
        )
        model.fit(train, show_progress=False)
        users = model.recalculate_user(np.arange(asked.history.shape[0]), asked.history)
    return users, model.item_factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Als:
    """topshelf's ALS on ones.

    Attributes:
        parameters: Of the training.
        alpha: Confidence of an event beyond 1: 1/alpha_0.
        half_life: Newer rows after which a row of the history counts half in the fold-in; None
            to weigh all alike.
        gain: Of the newest row's weight over one in the training, with a half-life.
    """

    parameters: ALSParameters
    alpha: float = ConfidenceWeights().alpha
    half_life: float | None = None
    gain: float = 1.0

    def __call__(self, train: csr_matrix, asked: Asked) -> Factors:
        """Item factors of the training's viewers, and the asked ones folded in."""
        with threadpool_limits(1, "blas"):
            found = fit_als(_weighted(train, self.alpha), self.parameters, lambda _done: None)
            weights = np.ones(asked.history.nnz)
            if self.half_life is not None:
                weights = self.gain * 0.5 ** (asked.age / self.half_life)
            history = _weighted(asked.history, self.alpha * weights)
            users = fold_in_users(found.items, found.gram, history, found.regularization)
        return users, found.items


def _weighted(matrix: csr_matrix, strength: float | NDArray[np.float64]) -> csr_matrix:
    confidences = np.broadcast_to(1.0 + strength, matrix.nnz).astype(np.float32)
    return csr_matrix((confidences, matrix.indices, matrix.indptr), shape=matrix.shape)


def _neighbours(
    model: CosineRecommender | BM25Recommender, train: csr_matrix, asked: Asked
) -> Factors:
    with warnings.catch_warnings():
        # implicit warns of a conversion that is its own.
        warnings.simplefilter("ignore", ParameterWarning)
        model.fit(train, show_progress=False)
    similarity = model.similarity.toarray().astype(np.float32)
    return asked.history.toarray(), np.ascontiguousarray(similarity.T)
