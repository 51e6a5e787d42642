"""Each viewer's ready list, a block of viewers at a time: fold in, rank, explain, pack.

A refresh makes one list by the same steps, see topshelf.refresh; the tastes are the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.factors import fold_in_many
from topshelf.history import MAX_HISTORY
from topshelf.ranking import NO_ITEM, Ranked
from topshelf.refresh import ready_list
from topshelf.rerank import Histories, Stage, apply_stages
from topshelf.topk import TOP_K, TopKList
from topshelf.weighing import Weighing
from training.als import ALSFactors
from training.exposures import beside
from training.interactions import Interactions
from training.lake import Progress
from training.ranker import ItemRanker
from training.selection import Timeline, timeline_of

__all__ = ["ListBlock", "ViewerLists", "viewer_lists"]

_BLOCK = 2048
"""Viewers that are folded in together: histories of one length meet, and memory stays bounded."""


@dataclass(frozen=True, slots=True)
class ListBlock:
    """What the lists of some viewers are made of.

    Attributes:
        start: Row of the first.
        tastes: (n, f) float32.
        ranked: Their rankings, (n, TOP_K).
        because: For each ranked item the history row that explains it, (n, TOP_K); negative where
            there is no item.
        histories: In order of time, oldest first, with plain confidences; bounded.
        unclicked: What the viewers never took, see training.exposures; None where it counts for
            nothing.
    """

    start: int
    tastes: NDArray[np.float32]
    ranked: Ranked
    because: NDArray[np.int64]
    histories: Timeline
    unclicked: csr_matrix | None = None

    @property
    def viewers(self) -> range:
        """Their rows."""
        return range(self.start, self.start + len(self.tastes))

    def never_taken(self, place: int) -> NDArray[np.int32] | None:
        """Item rows that the viewer at a place never took; None where it does not count."""
        if self.unclicked is None:
            return None
        bounds = self.unclicked.indptr[place : place + 2]
        found: NDArray[np.int32] = self.unclicked.indices[slice(*bounds)]
        return found

    def items_of(self, viewer: int) -> NDArray[np.int64]:
        """The item rows of the list of the viewer in this row, best first."""
        rows = self.ranked.rows[viewer - self.start]
        found: NDArray[np.int64] = rows[rows != NO_ITEM]
        return found


class ViewerLists:
    """Makes blocks of lists; threads may share it."""

    def __init__(
        self,
        data: Interactions,
        factors: ALSFactors,
        weighing: Weighing | None = None,
        stages: tuple[Stage, ...] = (),
    ) -> None:
        """Orders items for the ranking.

        Args:
            data: Of the training.
            factors: Of the items, and the regularization of tastes; those of users are not read.
            weighing: Of histories; None for plain.
            stages: That put lists into another order.
        """
        self.n_users = len(data.users)
        self._data = data
        self._factors = factors
        self._weighing = weighing or Weighing()
        self._stages = stages
        self._ranker = ItemRanker(factors.items)

    def blocks(self, start: int, stop: int) -> Iterator[ListBlock]:
        """The lists of the viewers from row start to before row stop, in order."""
        for first in range(start, stop, _BLOCK):
            yield self._block(first, min(first + _BLOCK, stop))

    def _block(self, start: int, stop: int) -> ListBlock:
        factors = self._factors
        seen = timeline_of(_part(self._data, start, stop))
        histories = _bounded(seen)
        own = histories.rows, histories.confidences, histories.indptr
        weighed = self._weighing.served(*own)
        unclicked = seen.unclicked()
        known = histories.indptr, histories.rows, weighed
        tastes = fold_in_many(
            factors.items,
            factors.gram,
            *(known if unclicked is None else beside(*known, unclicked)),
            regularization=factors.regularization,
            explained=True,
        )
        ranked = self._ranker.top_k(tastes.vectors, seen.indptr, seen.rows, TOP_K)
        ranked = apply_stages(self._stages, ranked, Histories(*known))
        because = tastes.explain(ranked.rows)
        return ListBlock(start, tastes.vectors, ranked, because, histories, unclicked)


def viewer_lists(
    data: Interactions,
    factors: ALSFactors,
    progress: Progress,
    weighing: Weighing | None = None,
    stages: tuple[Stage, ...] = (),
) -> Iterator[tuple[str, TopKList]]:
    """Each viewer's list, in the order of the user rows, see ViewerLists; progress of ``lists``."""
    for block in ViewerLists(data, factors, weighing, stages).blocks(0, len(data.users)):
        histories = block.histories
        bounds = histories.indptr.tolist()
        for place, row in enumerate(block.viewers):
            own = slice(bounds[place], bounds[place + 1])
            left = block.ranked.rows[place] != NO_ITEM
            yield (
                data.users.ids[row],
                ready_list(
                    data.items,
                    (block.ranked.rows[place][left], block.ranked.scores[place][left]),
                    (histories.rows[own].astype(np.int64), histories.confidences[own]),
                    block.because[place][left],
                    source="batch",
                    generated_at=data.newest_event,
                    leniency=None if data.leniencies is None else float(data.leniencies[row]),
                    unclicked=block.never_taken(place),
                ),
            )
        progress("lists", block.viewers.stop, len(data.users))


def _part(data: Interactions, start: int, stop: int) -> Interactions:
    """The interactions of some viewers: to order those of all at once takes more memory."""
    entries = slice(data.matrix.indptr[start], data.matrix.indptr[stop])
    exposures = data.exposures and data.exposures.of(np.arange(start, stop))
    own = data.matrix[start:stop]
    return replace(data, matrix=own, last_times=data.last_times[entries], exposures=exposures)


def _bounded(histories: Timeline) -> Timeline:
    """Each history as topshelf.history.bound_history leaves it: the newest."""
    lengths = histories.lengths()
    if lengths.max(initial=0) <= MAX_HISTORY:
        return histories
    newer = np.repeat(histories.indptr[1:], lengths) - np.arange(len(histories.rows))
    return histories.part(newer <= MAX_HISTORY)
