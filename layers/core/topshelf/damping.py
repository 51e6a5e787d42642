"""Damping: evidence that many give, or that one viewer gives often, says less about a taste.

A view of what everybody sees tells little, and one of a thousand views of a viewer less than one of
ten. The strength of an interaction is divided by powers of both counts, which is the weighting of
TF-IDF and BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
Foundations and Trends in Information Retrieval 3(4), 2009) in the confidences of Hu et al. (2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Damping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damping:
    """By which powers strengths are divided.

    Attributes:
        items: Of an item's viewers, over those of the usual item; 0 to leave strengths alone.
        users: Of the length of a viewer's history, over that of the usual one; 0 likewise.
        usual_history: Length of the usual history: the mean of the training's.
    """

    items: float = 0.0
    users: float = 0.0
    usual_history: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.items <= 2 and 0 <= self.users <= 2):
            raise ValueError(f"damping items and users must be 0..2: {self}")
        if not self.usual_history > 0:
            raise ValueError(f"damping usual_history must be above 0: {self}")

    def item_strengths(self, viewers: NDArray[np.integer]) -> NDArray[np.float32]:
        """What the strength of an interaction with each item is multiplied by.

        Args:
            viewers: Number of viewers of each item, (n_items,); 0 counts as 1.

        Returns:
            (n_items,) float32; 1 for an item with as many viewers as the mean of those seen.
        """
        counts = np.maximum(viewers, 1).astype(np.float64)
        seen = viewers[viewers > 0]
        usual = float(seen.mean()) if len(seen) else 1.0
        strengths: NDArray[np.float64] = (counts / usual) ** -self.items
        return strengths.astype(np.float32)

    def history_strengths(self, lengths: NDArray[np.integer]) -> NDArray[np.float32]:
        """What the strength of each of a viewer's interactions is multiplied by.

        Args:
            lengths: Items in each viewer's history, (n,); 0 counts as 1.

        Returns:
            (n,) float32; 1 for a history of the usual length.
        """
        counts = np.maximum(lengths, 1).astype(np.float64)
        strengths: NDArray[np.float64] = (counts / self.usual_history) ** -self.users
        return strengths.astype(np.float32)
