"""Leniency: how much higher a viewer rates than the usual one.

Four stars of who gives five to everything say less than those of who gives three. The viewer's mean
rating, less that of all, is the bias b_u of Koren, Bell and Volinsky, "Matrix Factorization
Techniques for Recommender Systems" (IEEE Computer 42(8), 2009), shrunk towards none where ratings
are few.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["leniencies"]

_USUAL_RATINGS = 5
"""Ratings of the usual viewer that count beside a viewer's own."""

_UNIT = 1 << 20
"""Ratings are summed as whole numbers of its inverse: the order of a sum changes no bit of it."""

_STEPS = 1024
"""In one: few digits say exactly what a list keeps."""


def leniencies(
    viewers: NDArray[np.integer], ratings: NDArray[np.float64], n_viewers: int
) -> NDArray[np.float64]:
    """Leniency of each viewer.

    Args:
        viewers: Row of each rating's viewer, (n,), in any order.
        ratings: On the platform's scale, (n,), below a thousand million.
        n_viewers: Viewers there are.

    Returns:
        On the same scale, in steps of 1/1024, (n_viewers,); 0 for a viewer without ratings.
    """
    if len(ratings) == 0:
        return np.zeros(n_viewers)
    whole = np.rint(ratings * _UNIT)
    counts = np.bincount(viewers, minlength=n_viewers)
    usual = round(float(whole.sum()) / len(whole))
    above = np.bincount(viewers, weights=whole - usual, minlength=n_viewers)
    found: NDArray[np.float64] = above / (counts + _USUAL_RATINGS) / _UNIT
    return np.rint(found * _STEPS) / _STEPS
