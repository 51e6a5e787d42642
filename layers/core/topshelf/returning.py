"""Returns: watches on a later day than the first event of the same viewer and item.

Several watches on one day are one sitting, told in parts; one on another day was a choice made
again.
"""

import numpy as np
from numpy.typing import NDArray

from topshelf.features import ConfidenceWeights, on_grid

__all__ = ["DAY", "is_return", "returned_confidences"]

DAY = 86_400_000
"""Milliseconds; days are those of UTC."""


def is_return(
    pairs: NDArray[np.int64],
    timestamps: NDArray[np.int64],
    watched: NDArray[np.bool_],
    *,
    held: NDArray[np.bool_] | None = None,
    known_until: int = 0,
) -> NDArray[np.bool_]:
    """Which events are returns.

    Args:
        pairs: Which pair of viewer and item each event belongs to, (n,), in any order.
        timestamps: UTC milliseconds, (n,).
        watched: Whether the event is a watch, (n,).
        held: Whether the pair is already in a history, (n,); None for none.
        known_until: Newest event's time that the history knows: what it holds has no times of its
            own, so it counts as of this day, and a return on this very day counts only where its
            first event is here too.

    Returns:
        (n,).
    """
    days = timestamps // DAY
    distinct, places = np.unique(pairs, return_inverse=True)
    firsts = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(firsts, places, days)
    if held is not None:
        np.minimum.at(firsts, places[held], known_until // DAY)
    return watched & (days > firsts[places])


def returned_confidences(
    confidences: NDArray[np.float32], weights: ConfidenceWeights
) -> NDArray[np.float32]:
    """The confidences that events have if they are returns, of any shape."""
    return on_grid(confidences + np.float32(weights.alpha * weights.rewatched))
