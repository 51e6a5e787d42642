"""Weighing: the confidences that a training, a batch of lists and a refresh compute with.

A history keeps plain confidences. What an entry of it counts for depends on its place in the
history (recency) and on how common it is (damping), both of which change without the entry.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from topshelf.damping import Damping
from topshelf.recency import Recency

__all__ = ["Weighing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """How histories are weighed.

    Attributes:
        recency: Of the taste that is served; a training knows no newest entry.
        damping: Of both.
        item_strengths: See Damping.item_strengths, (n_items,) float32; None for ones.
    """

    recency: Recency = field(default_factory=Recency)
    damping: Damping = field(default_factory=Damping)
    item_strengths: NDArray[np.float32] | None = None

    def fitted(
        self,
        rows: NDArray[np.integer],
        confidences: NDArray[np.float32],
        indptr: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """What a training computes with.

        Args:
            rows: Item rows, (nnz,), in any order within a viewer.
            confidences: Theirs, at least 1, (nnz,).
            indptr: CSR row pointers of the viewers, (n + 1,).

        Returns:
            (nnz,) float32; the argument itself where nothing is damped.
        """
        if self.damping.users == 0 and self.item_strengths is None:
            return confidences
        lengths = np.diff(indptr)
        strengths = np.repeat(self.damping.history_strengths(lengths), lengths)
        if self.item_strengths is not None:
            strengths *= self.item_strengths[rows]
        return 1 + (confidences - 1) * strengths

    def served(
        self,
        rows: NDArray[np.integer],
        confidences: NDArray[np.float32],
        indptr: NDArray[np.integer] | None = None,
    ) -> NDArray[np.float32]:
        """What a viewer's taste is computed with.

        Args:
            rows: Item rows in order of time, oldest first, (nnz,).
            confidences: Theirs, at least 1, (nnz,).
            indptr: CSR row pointers of the viewers, (n + 1,); None for one viewer.

        Returns:
            (nnz,) float32.
        """
        pointers = np.array([0, len(rows)]) if indptr is None else indptr
        return self.fitted(rows, self.recency.weigh(confidences, pointers), pointers)
