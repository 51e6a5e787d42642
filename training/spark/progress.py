"""Checkpoints of a training on Spark: the item factors after each alternation."""

import io
from dataclasses import dataclass
from hashlib import sha256
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD
from scipy.sparse import csr_matrix

from topshelf.factors import Regularization
from topshelf.ports import CheckpointStore
from training.als import ALSParameters

__all__ = ["ItemCheckpoints", "ItemRun"]

_FORMAT = "spark 1"
"""Changes with the objective or the solver, so that no old factors are continued by new code."""


class ItemCheckpoints:
    """The checkpoints of one job, which trains twice: for the evaluation, and in the end."""

    def __init__(self, store: CheckpointStore, parameters: ALSParameters) -> None:
        """Builds it.

        Args:
            store: Where they are kept.
            parameters: Of both trainings.
        """
        self._store = store
        self._parameters = parameters
        self._runs: list[str] = []

    def of(self, matrices: RDD[csr_matrix], regularization: Regularization) -> "ItemRun":
        """The checkpoints of one training, named after all that decides its result."""
        parameters = self._parameters
        told = (regularization, parameters.factors, parameters.iterations, parameters.seed)
        digest = sha256(f"{_FORMAT} {told}".encode())
        for part in matrices.map(_digest).collect():
            digest.update(part)
        name = digest.hexdigest()[:32]
        self._runs.append(name)
        return ItemRun(self._store, name, parameters.factors)

    def clear(self) -> None:
        """Removes what this job kept.

        Raises:
            UnavailableError: The store does not answer.
        """
        for name in self._runs:
            self._store.remove(name)


@dataclass(frozen=True, slots=True)
class ItemRun:
    """One training's checkpoints.

    Attributes:
        store: Where they are.
        name: Of the run.
        factors: Columns of the item factors.
    """

    store: CheckpointStore
    name: str
    factors: int

    def load(self) -> tuple[int, NDArray[np.float32]] | None:
        """Alternations done, and the items; None where nothing is kept that can be read.

        Raises:
            UnavailableError: The store does not answer.
        """
        raw = self.store.load(self.name)
        if raw is None:
            return None
        try:
            with np.load(io.BytesIO(raw), allow_pickle=False) as file:
                iterations, items = int(file["iterations"]), file["items"]
        except (BadZipFile, EOFError, KeyError, TypeError, ValueError):
            return None  # A damaged checkpoint costs the time that it would have saved.
        return (iterations, items) if items.shape[1:] == (self.factors,) else None

    def save(self, iterations: int, items: NDArray[np.float32]) -> None:
        """Keeps the state after an alternation: some megabytes.

        Raises:
            UnavailableError: The store does not answer.
        """
        stream = io.BytesIO()
        np.savez(stream, iterations=np.int64(iterations), items=items)
        self.store.save(self.name, stream.getvalue())


def _digest(matrix: csr_matrix) -> bytes:
    digest = sha256(str(matrix.shape).encode())
    for part in (matrix.indptr, matrix.indices, matrix.data):
        digest.update(np.ascontiguousarray(part).data)
    return digest.digest()
