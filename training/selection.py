"""What is known and what is asked when models are chosen and reported.

The newest fifth of each viewer's items is the test, reported once. The newest fifth of what is left
is the validation, on which everything is chosen: parameters, and whether a re-ranking stage is
worth having. Both are the temporal split that the field uses (Meng et al., "Exploring Data
Splitting Strategies for the Evaluation of Recommendation Models", RecSys 2020, "leave last").
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.damping import Damping
from topshelf.recency import Recency
from topshelf.weighing import Weighing
from training.exposures import Exposures
from training.interactions import Interactions

__all__ = [
    "MAX_USERS",
    "TemporalSplit",
    "Timeline",
    "sample_users",
    "split_by_time",
    "timeline_of",
    "weighing_for",
]

MAX_USERS = 10_000
"""Viewers whose lists are judged: with more, an interval is hardly narrower."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Histories in order of time.

    Attributes:
        indptr: CSR row pointers of the viewers, (n_users + 1,).
        rows: Item rows, each viewer's oldest first, (nnz,).
        confidences: Theirs, at least 1, float32, (nnz,).
        n_items: Items of the catalogue.
        exposures: What the viewers were shown; None where it counts for nothing.
    """

    indptr: NDArray[np.integer]
    rows: NDArray[np.integer]
    confidences: NDArray[np.float32]
    n_items: int
    exposures: Exposures | None = None

    @property
    def n_users(self) -> int:
        """Number of viewers."""
        return len(self.indptr) - 1

    def lengths(self) -> NDArray[np.int64]:
        """Items in each history, (n_users,)."""
        return np.diff(self.indptr).astype(np.int64)

    def viewers(self) -> NDArray[np.int64]:
        """How many viewers each item has, (n_items,)."""
        return np.bincount(self.rows, minlength=self.n_items)

    def of(self, users: NDArray[np.integer]) -> "Timeline":
        """The histories of some viewers, in their order."""
        lengths = self.lengths()[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.indptr[users] - indptr[:-1], lengths) + np.arange(indptr[-1])
        shown = self.exposures.of(users) if self.exposures else None
        return Timeline(indptr, self.rows[places], self.confidences[places], self.n_items, shown)

    def first(self, counts: NDArray[np.integer]) -> "Timeline":
        """The oldest entries of each viewer, so many, (n_users,); and what was shown till then."""
        lengths = self.lengths()
        places = np.arange(len(self.rows)) - np.repeat(self.indptr[:-1], lengths)
        shown = self.exposures.until(counts) if self.exposures else None
        return replace(self.part(places < np.repeat(counts, lengths)), exposures=shown)

    def part(self, kept: NDArray[np.bool_]) -> "Timeline":
        """The entries that are kept, (nnz,), of every viewer; nothing of what was shown."""
        ends = np.concatenate([[0], np.cumsum(kept)])
        return Timeline(ends[self.indptr], self.rows[kept], self.confidences[kept], self.n_items)

    def unclicked(self) -> csr_matrix | None:
        """What was shown often and never taken, see Exposures; None where it counts for nothing."""
        return self.exposures.unclicked(self.matrix()) if self.exposures else None

    def matrix(self, values: NDArray[np.float32] | None = None) -> csr_matrix:
        """CSR (n_users, n_items), columns ascending.

        Args:
            values: In place of the confidences, in order of time, (nnz,).
        """
        data = self.confidences if values is None else values
        # Sorting is in place: the timeline keeps its order.
        parts = data.copy(), self.rows.astype(np.int32), self.indptr.astype(np.int32)
        found = csr_matrix(parts, shape=(self.n_users, self.n_items))
        found.sort_indices()
        return found


@dataclass(frozen=True, slots=True)
class TemporalSplit:
    """Histories of all, and targets of those who are asked.

    Attributes:
        history: The older items of every viewer.
        targets: Ones at the newest items, float32 CSR (n, n_items); no row is empty.
        users: Rows of those n viewers in the history, ascending.
    """

    history: Timeline
    targets: csr_matrix
    users: NDArray[np.int64]

    def known(self) -> Timeline:
        """The histories of the viewers who are asked, (n) of them."""
        return self.history.of(self.users)


def timeline_of(data: Interactions) -> Timeline:
    """The histories of a training's data."""
    ordered = data.timeline()
    return Timeline(data.matrix.indptr, *ordered, data.matrix.shape[1], data.exposures)


def split_by_time(
    timeline: Timeline,
    rng: np.random.Generator,
    *,
    share: float = 0.2,
    max_users: int = MAX_USERS,
) -> TemporalSplit:
    """Holds out each viewer's newest items.

    Args:
        timeline: Histories.
        rng: Chooses the viewers who are asked where there are more than max_users.
        share: Of a viewer's items, rounded down: who has fewer than five has no targets.
        max_users: Most viewers to ask; the others' newest items are held out all the same.
    """
    counts = timeline.lengths()
    # The small addition keeps 0.2 * 5 from falling below 1.
    n_held = np.floor(counts * share + 1e-9).astype(np.int64)
    firsts = timeline.indptr[1:] - n_held
    held = np.arange(len(timeline.rows)) >= np.repeat(firsts, counts)
    users = np.flatnonzero(n_held)
    if len(users) > max_users:
        users = np.sort(rng.choice(users, size=max_users, replace=False))
    asked = timeline.part(held).of(users)
    return TemporalSplit(
        history=timeline.first(counts - n_held),
        targets=asked.matrix(np.ones(len(asked.rows), dtype=np.float32)),
        users=users.astype(np.int64),
    )


def sample_users(timeline: Timeline, rng: np.random.Generator, max_entries: int) -> Timeline:
    """Viewers drawn until their histories have about max_entries, at least one; or all.

    Args:
        timeline: Histories.
        rng: Draws.
        max_entries: Bound on the entries of the histories together.
    """
    if len(timeline.rows) <= max_entries:
        return timeline
    drawn = rng.permutation(timeline.n_users)
    within = np.searchsorted(np.cumsum(timeline.lengths()[drawn]), max_entries, side="right")
    return timeline.of(np.sort(drawn[: max(within, 1)]))


def weighing_for(timeline: Timeline, recency: Recency, damping: Damping) -> Weighing:
    """The weighing of a training on some histories: what is common is told by them.

    Args:
        timeline: What the training is given.
        recency: Of the parameters.
        damping: Of the parameters; its usual history becomes the mean of these.
    """
    usual = len(timeline.rows) / max(timeline.n_users, 1)
    return Weighing(
        recency=recency,
        damping=replace(damping, usual_history=max(usual, 1.0)),
        item_strengths=damping.item_strengths(timeline.viewers()) if damping.items else None,
    )
