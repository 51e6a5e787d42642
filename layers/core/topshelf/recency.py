"""Recency: what a viewer saw last tells most of what the viewer wants next.

Factors are learned from whole histories; the taste that is served may lean on their end. Age is
counted in newer entries, not in days: a history keeps its order and no times, and who comes back
after a year is met where the viewer left.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from topshelf.factors import Regularization

__all__ = ["Recency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recency:
    """How the strength of an entry falls with the entries of the history that are newer.

    Attributes:
        half_life: Newer entries after which half the strength is left; None to weigh all alike.
        gain: Strength of the newest entry over the one that it has in the training.
        restraint: lambda of the served taste over that of the training. Gain and restraint raised
            alike leave the data's side of a taste as it is and lower what unobserved items weigh.
    """

    half_life: float | None = None
    gain: float = 1.0
    restraint: float = 1.0

    def __post_init__(self) -> None:
        half_life = 1.0 if self.half_life is None else self.half_life
        if not (half_life > 0 and self.gain > 0 and self.restraint > 0):
            raise ValueError(f"recency half_life, gain and restraint must be above 0: {self}")

    def weigh(
        self, confidences: NDArray[np.float32], indptr: NDArray[np.integer] | None = None
    ) -> NDArray[np.float32]:
        """Confidences, weighed: 1 + (c - 1) * gain * 0.5 ** (age / half_life).

        Args:
            confidences: In order of time, oldest first, (nnz,).
            indptr: CSR row pointers of the viewers, (n + 1,); None for one viewer.

        Returns:
            (nnz,) float32; the argument itself where nothing is weighed.
        """
        if self.half_life is None:
            if self.gain == 1:
                return confidences
            return 1 + (confidences - 1) * np.float32(self.gain)
        pointers = np.array([0, len(confidences)]) if indptr is None else indptr
        ends = np.repeat(pointers[1:], np.diff(pointers))
        ages = ends - 1 - np.arange(len(confidences))
        left = (self.gain * 0.5 ** (ages / self.half_life)).astype(np.float32)
        return 1 + (confidences - 1) * left

    def regularization(self, trained: Regularization) -> Regularization:
        """That of the served taste."""
        return replace(trained, scale=trained.scale * self.restraint)
