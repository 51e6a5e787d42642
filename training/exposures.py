"""Exposures: what viewers were shown, and how often they were shown it without wanting it.

Who is shown a title again and again and never looks at it says something that the rest of what was
not watched does not say: a preference of 0 in which the confidence is more than that of the unknown
(Hu, Koren and Volinsky, ICDM 2008, section 3, allow any). Factors are learned with it and tastes
folded in; a history holds what a viewer chose, and no more.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.events import Interaction
from training.id_columns import ITEM_IDS, USER_IDS, rows_among

__all__ = [
    "MAX_UNCLICKED",
    "SHOWN_SCHEMA",
    "Exposures",
    "beside",
    "exposures_of",
    "shown_by",
    "shown_in",
]

MAX_UNCLICKED = 500
"""Most items of a viewer that count as never taken: 2 KB of a list."""

SHOWN_SCHEMA: dict[str, pl.DataType] = {
    "user_id": USER_IDS,
    "session_id": pl.String(),
    "item_id": ITEM_IDS,
    "timestamp": pl.Int64(),
}
"""Columns of what was shown: one row an event and item of its impression."""


@dataclass(frozen=True, slots=True)
class Exposures:
    """What was shown to each viewer.

    Attributes:
        indptr: CSR row pointers of the viewers, (n_users + 1,).
        rows: Item rows, each viewer's by time, (n,).
        known: Entries of the viewer's history, in its order of time, that are older than the
            showing, int32, (n,).
        least: Showings from which they count.
        confidence: That the viewer does not want the item, above 1.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    known: NDArray[np.int32]
    least: int
    confidence: float

    def of(self, users: NDArray[np.integer]) -> "Exposures":
        """Those of some viewers, in their order."""
        lengths = np.diff(self.indptr)[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.indptr[users] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Exposures(indptr, self.rows[places], self.known[places], self.least, self.confidence)

    def until(self, lengths: NDArray[np.integer]) -> "Exposures":
        """What was shown before or with the newest of the first entries of each history.

        Args:
            lengths: How many entries are left of each viewer's history, (n_users,).
        """
        kept = self.known < np.repeat(lengths, np.diff(self.indptr))
        ends = np.concatenate([[0], np.cumsum(kept)])
        return Exposures(
            ends[self.indptr], self.rows[kept], self.known[kept], self.least, self.confidence
        )

    def unclicked(self, history: csr_matrix) -> csr_matrix:
        """Pairs that were shown often and are not in the history: MAX_UNCLICKED a viewer.

        Those that were shown most often, of equally often shown the lower row.

        Args:
            history: Of the same viewers, (n_users, n_items), whatever its values.

        Returns:
            (n_users, n_items) float32 CSR; the negative of the confidence at those pairs, as
            implicit writes a preference of 0.
        """
        owners = np.repeat(np.arange(history.shape[0]), np.diff(self.indptr))
        pairs, showings = np.unique(owners * history.shape[1] + self.rows, return_counts=True)
        chosen = np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))
        taken = np.isin(pairs, chosen * history.shape[1] + history.indices)
        often = (showings >= self.least) & ~taken
        users, items = np.divmod(pairs[often], history.shape[1])
        order = np.lexsort((items, -showings[often], users))
        first = np.searchsorted(users[order], users[order])
        left = np.sort(order[np.arange(len(order)) - first < MAX_UNCLICKED])
        users, items = users[left], items[left]
        values = np.full(len(left), -self.confidence, dtype=np.float32)
        return csr_matrix((values, (users, items)), shape=history.shape)


def beside(
    indptr: NDArray[np.integer],
    rows: NDArray[np.integer],
    confidences: NDArray[np.float32],
    unclicked: csr_matrix,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Histories with what was never taken at the end of each, as fold_in_many takes them.

    Args:
        indptr: CSR row pointers of the histories, (n + 1,).
        rows: Item rows, (nnz,).
        confidences: As they are served with, (nnz,).
        unclicked: See Exposures.unclicked, (n, n_items).

    Returns:
        Row pointers, rows and confidences.
    """
    own, other = np.diff(indptr), np.diff(unclicked.indptr)
    pointers = np.concatenate([[0], np.cumsum(own + other)]).astype(np.int64)
    of_history = np.repeat(pointers[:-1] - indptr[:-1], own) + np.arange(len(rows))
    of_others = np.repeat(pointers[:-1] + own - unclicked.indptr[:-1], other) + np.arange(
        unclicked.nnz
    )
    found = np.empty(pointers[-1], np.int64), np.empty(pointers[-1], np.float32)
    found[0][of_history], found[0][of_others] = rows, unclicked.indices
    found[1][of_history], found[1][of_others] = confidences, unclicked.data
    return pointers, *found


def shown_in(events: pl.DataFrame) -> pl.DataFrame:
    """What events that have an ``impression`` showed: columns of SHOWN_SCHEMA.

    Args:
        events: Ids are text; see training.event_blocks.SureLines.
    """
    if "impression" not in events.columns:
        return pl.DataFrame(schema=SHOWN_SCHEMA)
    return (
        events.filter(pl.col("impression").list.len() > 0)
        .select("user_id", "session_id", pl.col("impression").alias("item_id"), "timestamp")
        .explode("item_id")
        .cast(SHOWN_SCHEMA)  # type: ignore[arg-type]  # names are names of columns
    )


def shown_by(events: list[Interaction]) -> pl.DataFrame:
    """The same of interactions."""
    rows = [
        (event.user_id, event.session_id, item, event.timestamp)
        for event in events
        for item in event.impression
    ]
    return pl.DataFrame(rows, schema=SHOWN_SCHEMA, orient="row")


def exposures_of(
    shown: pl.DataFrame,
    users: tuple[str, ...],
    items: tuple[str, ...],
    histories: tuple[NDArray[np.integer], NDArray[np.int64]],
    *,
    least: int,
    confidence: float,
) -> Exposures:
    """Puts what was shown beside histories.

    An event that is delivered twice is one showing: those of one moment count once.

    Args:
        shown: Columns of SHOWN_SCHEMA, each row with a user.
        users: Ids in the order of their rows, ascending.
        items: Likewise.
        histories: CSR row pointers of the histories, and the times of their entries, in any order.
        least: See Exposures.
        confidence: See Exposures.
    """
    known = (
        pl.LazyFrame(
            {
                "user": rows_among(shown["user_id"], users),
                "item": rows_among(shown["item_id"], items),
                "timestamp": shown["timestamp"],
            }
        )
        .filter((pl.col("user") >= 0) & (pl.col("item") >= 0))
        .unique()
        .sort("user", "timestamp", "item")
        .collect()
    )
    owners, times = known["user"].to_numpy(), known["timestamp"].to_numpy()
    indptr = np.zeros(len(users) + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=len(users)), out=indptr[1:])
    older = np.empty(len(times), np.int32)
    pointers, entries = histories
    for user in np.unique(owners).tolist():
        own = slice(indptr[user], indptr[user + 1])
        history = np.sort(entries[pointers[user] : pointers[user + 1]])
        older[own] = np.searchsorted(history, times[own])
    return Exposures(indptr, known["item"].to_numpy(), older, least, confidence)
