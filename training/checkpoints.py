"""Checkpoints of a training, so that a killed job continues where it was.

A run is named after all that decides its result; what is kept is one object, replaced each time,
so there is no moment without a whole one. The last is removed by the job when the model is written.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.ports import CheckpointStore
from training.solver import SOLVER

__all__ = ["Checkpoints", "Progressed", "Run"]

_FORMAT = "1"
"""Changes with the objective or the solver, so that no old factors are continued by new code."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a training is.

    Attributes:
        iterations: Alternations done.
        users: (n_users, f) float32.
        items: (n_items, f) float32.
    """

    iterations: int
    users: NDArray[np.float32]
    items: NDArray[np.float32]


class Checkpoints:
    """The checkpoints of one job, which trains twice: for the evaluation, and in the end."""

    def __init__(self, store: CheckpointStore, *, every: int = 3) -> None:
        """Builds it.

        Args:
            store: Where they are kept.
            every: Iterations between two.
        """
        self._store = store
        self._every = every
        self._runs: list[str] = []

    def of(
        self, matrix: csr_matrix, *, factors: int, iterations: int, decided_by: Mapping[str, object]
    ) -> "Run":
        """The checkpoints of one training.

        Args:
            matrix: What it is trained on.
            factors: Columns of its factors.
            iterations: Of the whole training.
            decided_by: Every parameter that decides a byte of its factors.
        """
        told = sorted({**decided_by, "factors": factors, "iterations": iterations}.items())
        digest = sha256(f"{_FORMAT} {SOLVER} {matrix.shape} {told}".encode())
        for part in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(np.ascontiguousarray(part).data)
        name = digest.hexdigest()[:32]
        self._runs.append(name)
        n_users, n_items = matrix.shape
        shapes = (n_users, factors), (n_items, factors)
        return Run(self._store, name, shapes, self._every, iterations)

    def clear(self) -> None:
        """Removes what this job kept.

        Raises:
            UnavailableError: The store does not answer.
        """
        for name in self._runs:
            self._store.remove(name)


@dataclass(frozen=True, slots=True)
class Run:
    """One training's checkpoints.

    Attributes:
        store: Where they are.
        name: Of the run.
        shapes: Of user and item factors.
        every: Iterations between two.
        iterations: Of the whole training; after the last one is kept, too.
    """

    store: CheckpointStore
    name: str
    shapes: tuple[tuple[int, int], tuple[int, int]]
    every: int
    iterations: int

    def load(self) -> Progressed | None:
        """What was kept last; None where there is nothing, or nothing that can be read.

        Raises:
            UnavailableError: The store does not answer.
        """
        raw = self.store.load(self.name)
        if raw is None:
            return None
        try:
            with np.load(io.BytesIO(raw), allow_pickle=False) as file:
                found = Progressed(int(file["iterations"]), file["users"], file["items"])
        except (BadZipFile, EOFError, KeyError, TypeError, ValueError):
            return None  # A damaged checkpoint costs the time that it would have saved.
        return found if (found.users.shape, found.items.shape) == self.shapes else None

    def save(self, state: Progressed) -> None:
        """Keeps the state of each few iterations, and of the last.

        Raises:
            UnavailableError: The store does not answer.
        """
        if state.iterations % self.every and state.iterations != self.iterations:
            return
        stream = io.BytesIO()
        iterations = np.int64(state.iterations)
        np.savez(stream, iterations=iterations, users=state.users, items=state.items)
        self.store.save(self.name, stream.getvalue())
