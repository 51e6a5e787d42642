"""What the events of each viewer and item come to: topshelf.features.combine_evidence, in one pass.

That function sorts all events by pair and time. Here they are dealt out to their viewers by
counting, and each viewer's are gone through twice with a table of the items: no sorting but of a
viewer's own columns, and 8 bytes an event beside what is returned.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.returning import DAY
from training.compiling import compiled

__all__ = ["PairEvidence", "in_order_of_time", "pair_evidence"]

_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """One entry for each viewer and item with events.

    Attributes:
        matrix: Confidences, float32 CSR (n_users, n_items), columns ascending in each row.
        last_times: Newest event of each stored entry, UTC milliseconds, int64 (nnz,).
    """

    matrix: csr_matrix
    last_times: NDArray[np.int64]


def pair_evidence(
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    rated: NDArray[np.bool_],
    confidences: NDArray[np.float32],
    *,
    shape: tuple[int, int],
    watched: NDArray[np.bool_] | None = None,
    returned: NDArray[np.float32] | None = None,
) -> PairEvidence:
    """Combines the events of each pair by the rule of topshelf.features.combine_evidence.

    Args:
        users: Row of each event's viewer, (n,), in any order; fewer than 2^31 events.
        items: Row of its item, (n,).
        timestamps: UTC milliseconds, (n,).
        rated: Whether it is a rating, (n,).
        confidences: (n,).
        shape: Viewers and items there are.
        watched: Whether the event is a watch, (n,); None to know no returns.
        returned: Confidences of the events where they are returns, see topshelf.returning, (n,).
    """
    n_users, n_items = shape
    starts = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(users, minlength=n_users), out=starts[1:])
    order = np.empty(len(users), np.int32)
    _deal(users, starts, order)
    indptr = np.zeros(n_users + 1, np.int32)
    _count_pairs(items, starts, order, n_items, indptr)
    np.cumsum(indptr, out=indptr)
    nnz = int(indptr[-1])
    columns, best = np.empty(nnz, np.int32), np.empty(nnz, np.float32)
    last = np.empty(nnz, np.int64)
    if watched is not None and returned is not None:
        confidences = confidences.copy()
        _raise(items, timestamps, watched, returned, starts, order, n_items, confidences)
    events = items, timestamps, rated, confidences
    _combine(*events, starts, order, n_items, indptr, columns, best, last)
    return PairEvidence(csr_matrix((best, columns, indptr), shape=shape), last)


def in_order_of_time(
    indptr: NDArray[np.int32],
    columns: NDArray[np.int32],
    confidences: NDArray[np.float32],
    times: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each row's entries, oldest first, of equal times in the order they have.

    Args:
        indptr: Rows, (n_users + 1,).
        columns: (nnz,).
        confidences: (nnz,).
        times: Of each entry, (nnz,).

    Returns:
        Columns and confidences in the new order.
    """
    ordered = np.empty_like(columns), np.empty_like(confidences)
    _order(indptr, columns, confidences, times, *ordered)
    return ordered


# Compiled code has no keyword-only arguments.
@compiled()
def _deal(
    users: NDArray[np.int32], starts: NDArray[np.int64], order: NDArray[np.int32]
) -> None:  # pragma: no cover  (runs compiled)
    """Numbers of the events, viewer by viewer."""
    free = starts[:-1].copy()
    for event in range(len(users)):
        user = users[event]
        order[free[user]] = event
        free[user] += 1


@compiled()
def _count_pairs(
    items: NDArray[np.int32],
    starts: NDArray[np.int64],
    order: NDArray[np.int32],
    n_items: int,
    counts: NDArray[np.int32],
) -> None:  # pragma: no cover  (runs compiled)
    """Different items of each viewer, at the viewer's row plus one."""
    owner = np.full(n_items, -1, np.int64)
    for user in range(len(starts) - 1):
        for place in range(starts[user], starts[user + 1]):
            item = items[order[place]]
            if owner[item] != user:
                owner[item] = user
                counts[user + 1] += 1


@compiled()
def _raise(  # noqa: PLR0917
    items: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    watched: NDArray[np.bool_],
    returned: NDArray[np.float32],
    starts: NDArray[np.int64],
    order: NDArray[np.int32],
    n_items: int,
    confidences: NDArray[np.float32],
) -> None:  # pragma: no cover  (runs compiled)
    """Gives watches on a later day than their pair's first event the confidence of returns."""
    owner = np.full(n_items, -1, np.int64)
    first = np.empty(n_items, np.int64)
    for user in range(len(starts) - 1):
        for place in range(starts[user], starts[user + 1]):
            event = order[place]
            item, day = items[event], timestamps[event] // DAY
            if owner[item] != user:
                owner[item], first[item] = user, day
            first[item] = min(first[item], day)
        for place in range(starts[user], starts[user + 1]):
            event = order[place]
            if watched[event] and timestamps[event] // DAY > first[items[event]]:
                confidences[event] = returned[event]


@compiled()
def _combine(  # noqa: PLR0917
    items: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    rated: NDArray[np.bool_],
    confidences: NDArray[np.float32],
    starts: NDArray[np.int64],
    order: NDArray[np.int32],
    n_items: int,
    indptr: NDArray[np.int32],
    columns: NDArray[np.int32],
    best: NDArray[np.float32],
    last: NDArray[np.int64],
) -> None:  # pragma: no cover  (runs compiled)
    owner = np.full(n_items, -1, np.int64)
    newest = np.empty(n_items, np.int64)
    rated_at = np.empty(n_items, np.int64)
    strongest = np.empty(n_items, np.float32)
    for user in range(len(starts) - 1):
        found = indptr[user]
        # The last rating of each item, by time, of equal times the highest.
        for place in range(starts[user], starts[user + 1]):
            event = order[place]
            item, at = items[event], timestamps[event]
            if owner[item] != user:
                owner[item] = user
                newest[item], rated_at[item], strongest[item] = at, _NEVER, 0
                columns[found] = item
                found += 1
            newest[item] = max(newest[item], at)
            if rated[event]:
                if at > rated_at[item]:
                    rated_at[item], strongest[item] = at, confidences[event]
                elif at == rated_at[item]:
                    strongest[item] = max(strongest[item], confidences[event])
        # What is no rating stands if it is newer: at equal times the rating is last.
        for place in range(starts[user], starts[user + 1]):
            event = order[place]
            item = items[event]
            if not rated[event] and timestamps[event] > rated_at[item]:
                strongest[item] = max(strongest[item], confidences[event])
        columns[indptr[user] : found] = np.sort(columns[indptr[user] : found])
        for entry in range(indptr[user], found):
            best[entry] = strongest[columns[entry]]
            last[entry] = newest[columns[entry]]


@compiled()
def _order(  # noqa: PLR0917
    indptr: NDArray[np.int32],
    columns: NDArray[np.int32],
    confidences: NDArray[np.float32],
    times: NDArray[np.int64],
    ordered_columns: NDArray[np.int32],
    ordered_confidences: NDArray[np.float32],
) -> None:  # pragma: no cover  (runs compiled)
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        # Mergesort is stable.
        order = np.argsort(times[start:stop], kind="mergesort")
        for place in range(stop - start):
            ordered_columns[start + place] = columns[start + order[place]]
            ordered_confidences[start + place] = confidences[start + order[place]]
