"""Which events have been seen in this import."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["SeenKeys"]


class SeenKeys:
    """Remembers keys as 8-byte digests, asked in batches so that an index on disk can replace it.

    Memory is 8 bytes a key (and as much again while runs merge): 400 MB for 50 million rows. Of
    50 million different keys, two share a digest with a probability of 7 in 100,000.
    """

    def __init__(self) -> None:
        """Builds an empty memory."""
        # Sorted runs, each at most half as long as the one before: log2(n) of them.
        self._runs: list[NDArray[np.uint64]] = []

    def first_sights(self, keys: Sequence[str]) -> list[bool]:
        """Tells for each key whether it is new, also within the batch, and remembers it."""
        if not keys:
            return []
        digests = np.frombuffer(
            b"".join(blake2b(key.encode(), digest_size=8).digest() for key in keys), np.uint64
        )
        unique, at = np.unique(digests, return_index=True)
        new = np.ones(len(unique), bool)
        for run in self._runs:
            place = np.searchsorted(run, unique).clip(max=len(run) - 1)
            new &= run[place] != unique
        self._remember(unique[new])
        first = np.zeros(len(digests), bool)
        first[at[new]] = True
        return first.tolist()

    def _remember(self, run: NDArray[np.uint64]) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate((self._runs.pop(), run)), kind="stable")
        if len(run):
            self._runs.append(run)
