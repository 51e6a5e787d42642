"""What ALS has to beat: each model is a pair of factors, so that one exact ranking serves all.

A model that scores a history by similar items, ``history @ similarity``, is such a pair, too: the
history is the viewer's factor and a column of the similarities the item's.
"""

from dataclasses import dataclass, field
from os import process_cpu_count

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from irspack.recommenders.ials import IALSRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from tests.benchmarks.splits import Asked
from topshelf.damping import Damping
from topshelf.features import ConfidenceWeights
from topshelf.recency import Recency
from training import baselines
from training.als import ALSParameters
from training.evaluate import fit, tastes
from training.selection import Timeline

__all__ = ["Als", "Factors", "bm25", "cosine", "ease", "implicit_als", "irspack_als", "popularity"]

type Factors = tuple[NDArray[np.float32], NDArray[np.float32]]

_UNBOUNDED = baselines.Limits(pairs=10**15)


def popularity(train: csr_matrix, asked: Asked) -> Factors:
    """How many viewers an item had."""
    viewers = np.bincount(train.indices, minlength=train.shape[1]).astype(np.float32)
    return np.ones((asked.history.shape[0], 1), dtype=np.float32), viewers[:, None]


def cosine(train: csr_matrix, asked: Asked) -> Factors:
    """Item-item cosine, the nearest 20."""
    return _pair(baselines.cosine(train, np.random.default_rng(0), _UNBOUNDED), asked)


def bm25(train: csr_matrix, asked: Asked) -> Factors:
    """Item-item by BM25, the nearest 200."""
    return _pair(baselines.bm25(train, np.random.default_rng(0), _UNBOUNDED), asked)


def ease(train: csr_matrix, asked: Asked, *, ridge: float = 300.0) -> Factors:
    """EASE: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019)."""
    weights = baselines.ease_weights(train, ridge)
    return asked.history.toarray(), np.ascontiguousarray(weights.T)


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


def irspack_als(
    train: csr_matrix,
    asked: Asked,
    *,
    factors: int,
    regularization: float,
    alpha0: float,
    epochs: int,
) -> Factors:
    """iALS of irspack, lambda scaled by frequency (nu = 1); viewers by its own transformation."""
    with threadpool_limits(1, "blas"):
        model = IALSRecommender(
            train,
            n_components=factors,
            alpha0=alpha0,
            reg=regularization,
            nu=1.0,
            n_threads=process_cpu_count(),
        )
        # learn() would draw a bar.
        model.start_learning()
        for _ in range(epochs):
            model.run_epoch()
        users = model.compute_user_embedding(asked.history)
    return users, model.get_item_embedding()


@dataclass(frozen=True, slots=True, kw_only=True)
class Als:
    """topshelf's ALS on ones, by the functions of the training job.

    Attributes:
        parameters: Of the training.
        alpha: Confidence of an event beyond 1: 1/alpha_0.
        recency: Of the served taste.
        damping: Of what is common.
    """

    parameters: ALSParameters
    alpha: float = ConfidenceWeights().alpha
    recency: Recency = field(default_factory=Recency)
    damping: Damping = field(default_factory=Damping)

    def __call__(self, train: csr_matrix, asked: Asked) -> Factors:
        """Item factors of the training's viewers, and the asked ones folded in."""
        with threadpool_limits(1, "blas"):
            # In what order these were seen is nothing to the factors.
            histories = self._timeline(train, np.zeros(train.nnz, dtype=np.int64))
            model = fit(histories, self.parameters, recency=self.recency, damping=self.damping)
            users = tastes(model, self._timeline(asked.history, asked.age))
        return users, model.factors.items

    def _timeline(self, matrix: csr_matrix, age: NDArray[np.int64]) -> Timeline:
        owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        order = np.lexsort((matrix.indices, -age, owners))
        confidences = np.full(matrix.nnz, 1.0 + self.alpha, dtype=np.float32)
        return Timeline(matrix.indptr, matrix.indices[order], confidences, matrix.shape[1])


def _pair(model: baselines.Neighbours, asked: Asked) -> Factors:
    """A history is the viewer's factor, and a column of the weights the item's."""
    weights = csr_matrix(model.weights).T.toarray()
    return asked.history.toarray(), np.ascontiguousarray(weights)
