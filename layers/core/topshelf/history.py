"""Histories: what a viewer chose, oldest first, and how sure each choice is."""

import numpy as np
from numpy.typing import NDArray

from topshelf.features import ConfidenceWeights, Evidence

__all__ = ["MAX_HISTORY", "bound_history", "merge_history", "with_unclicked"]

MAX_HISTORY = 20_000
"""Most items in a packed history: 120 KB, so that a row stays far below DynamoDB's 400 KB."""


def merge_history(
    rows: NDArray[np.int64],
    confidences: NDArray[np.float32],
    newer: Evidence,
    known_until: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Adds newer evidence to a history, in strength by the rule of combine_evidence.

    A history has no times, only an order and the newest time that it knows. What it does not hold
    goes to its end. What it holds moves there if the evidence is newer than all that the history
    knows, and else stays, and its strength only grows: it is either an event that came before,
    which must change nothing, or a late one, whose place nobody knows any more, so that a late
    rating does not take back what came after it. So the same evidence twice changes nothing, and
    evidence that comes in order gives the order that a training would (but for events of the very
    same millisecond that come one after the other).

    Args:
        rows: Item rows of the history, distinct, oldest first, (n,).
        confidences: Theirs, (n,).
        newer: Evidence whose pairs are item rows.
        known_until: Newest event's time that the history knows, UTC milliseconds.

    Returns:
        Rows, oldest first, (m,), and their confidences, (m,). What is added is in its own order of
        time, of equal times the lower row first.
    """
    merged = dict(zip(rows.tolist(), confidences.tolist(), strict=True))
    for entry in np.lexsort((newer.pairs, newer.last_times)).tolist():
        row, confidence = int(newer.pairs[entry]), float(newer.confidences[entry])
        is_new = newer.last_times[entry] > known_until
        if not (is_new and newer.rated[entry]):
            confidence = max(confidence, merged.get(row, 0.0))
        if is_new:
            merged.pop(row, None)
        merged[row] = confidence
    return (
        np.array(list(merged), dtype=np.int64),
        np.array(list(merged.values()), dtype=np.float32),
    )


def bound_history(
    rows: NDArray[np.int64], confidences: NDArray[np.float32], limit: int = MAX_HISTORY
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Keeps the newest ``limit`` items of a history.

    Args:
        rows: Item rows, oldest first, (n,).
        confidences: Theirs, (n,).
        limit: Most items to keep, above 0.

    Returns:
        Rows, oldest first, (min(n, limit),), and their confidences.
    """
    return rows[-limit:], confidences[-limit:]


def with_unclicked(
    rows: NDArray[np.int64],
    weighed: NDArray[np.float32],
    unclicked: NDArray[np.integer],
    weights: ConfidenceWeights,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What a taste is folded in from, where what was shown and never taken counts too.

    Args:
        rows: Item rows of a history, (n,).
        weighed: Their confidences, (n,).
        unclicked: Other item rows, (m,).
        weights: Of the training.

    Returns:
        Rows, (n + m,), and confidences, those of preference 0 as their negative; see
        topshelf.factors.fold_in_many.
    """
    against = np.full(len(unclicked), -(1 + weights.alpha * weights.unclicked), dtype=np.float32)
    return np.concatenate([rows, unclicked]), np.concatenate([weighed, against])
