"""From events to the matrix that ALS is trained on."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.features import ConfidenceWeights
from topshelf.ids import IdMap, ItemId, ItemRow, UserId, UserRow
from training.event_confidences import confidences_of_events
from training.exposures import SHOWN_SCHEMA, Exposures, exposures_of
from training.id_columns import rows_of
from training.pair_evidence import in_order_of_time, pair_evidence

__all__ = [
    "Cleaned",
    "Interactions",
    "build_interactions",
    "check_enough",
    "clean_events",
    "interactions_of",
]

_SLICE = 1_000_000

MIN_INTERACTIONS = 1000
"""As Amazon Personalize asks: with fewer, a model is noise."""

MIN_USERS = 25
"""As Amazon Personalize asks, with at least two interactions each."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Events fit for training.

    Attributes:
        events: Columns of training.lake.EVENT_SCHEMA; every row has a user, none is a duplicate.
            The same set of events gives the same rows whatever the order it came in; theirs is
            any, and nothing that is built of them depends on it.
        counts: ``events`` left, ``duplicates`` dropped, ``joined`` session events that found their
            user, ``unjoined`` ones that did not and are left out.
        shown: Columns of training.exposures.SHOWN_SCHEMA; every row has a user.
    """

    events: pl.DataFrame
    counts: dict[str, int]
    shown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHOWN_SCHEMA))


@dataclass(frozen=True, slots=True)
class Interactions:
    """The training data.

    Attributes:
        users: User ids and their rows.
        items: Item ids and their columns.
        matrix: Confidences, float32 CSR (n_users, n_items), columns ascending in each row.
        last_times: Newest event of each stored entry, UTC milliseconds, int64 (nnz,).
        newest_event: Newest event of all, UTC milliseconds.
        leniencies: Of the viewers, (n_users,); None where ratings count as they are. See
            topshelf.leniency.
        exposures: What the viewers were shown; None where it counts for nothing.
    """

    users: IdMap[UserId, UserRow]
    items: IdMap[ItemId, ItemRow]
    matrix: csr_matrix
    last_times: NDArray[np.int64]
    newest_event: int
    leniencies: NDArray[np.float64] | None = None
    exposures: Exposures | None = None

    def timeline(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Each viewer's items and their confidences in order of time.

        Returns:
            Columns and confidences, both (nnz,), in the places of the matrix's indptr: each
            viewer's oldest first, of equal times the lower column first.
        """
        matrix = self.matrix
        return in_order_of_time(matrix.indptr, matrix.indices, matrix.data, self.last_times)


def clean_events(events: pl.DataFrame, shown: pl.DataFrame | None = None) -> Cleaned:
    """Joins sessions to users and drops duplicates.

    A session's events join the user that first signs in with that session anywhere in the data. A
    duplicate is the same event_id, or without one the same user, item, type and timestamp.

    Args:
        events: Columns of training.lake.EVENT_SCHEMA, in any order.
        shown: What they showed, columns of training.exposures.SHOWN_SCHEMA; None for nothing.
    """
    anonymous = events["user_id"].null_count()
    owned = _joined(events, events)
    unjoined = len(events) - len(owned)
    kept = _distinct(owned)
    return Cleaned(
        events=kept,
        counts={
            "events": len(kept),
            "duplicates": len(owned) - len(kept),
            "joined": anonymous - unjoined,
            "unjoined": unjoined,
        },
        shown=_joined(pl.DataFrame(schema=SHOWN_SCHEMA) if shown is None else shown, events),
    )


def _joined(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a user, by themselves or by their session, which the events tell."""
    if rows["user_id"].null_count() == 0:
        return rows
    signed_in = (
        events.lazy()
        .filter(pl.col("user_id").is_not_null() & pl.col("session_id").is_not_null())
        .group_by("session_id")
        .agg(pl.col("user_id").sort_by("timestamp", "user_id").first().alias("session_user"))
        .collect()
    )
    return (
        rows.join(signed_in, on="session_id", how="left")
        .with_columns(pl.coalesce("user_id", "session_user").alias("user_id"))
        .drop("session_user")
        .filter(pl.col("user_id").is_not_null())
    )


def _distinct(owned: pl.DataFrame) -> pl.DataFrame:
    """The events without duplicates; of duplicates the first in the order of their content.

    Events of different 64-bit hashes are different. Only the few that share theirs are compared,
    so that the many are neither sorted nor copied.
    """
    hashes = _hashes(owned)
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if len(repeated) == 0:
        return owned
    suspects = pl.Series(hashes).is_in(pl.Series(repeated).implode())
    found = owned.filter(suspects).sort(
        "user_id", "item_id", "timestamp", "event_type", "event_value", "event_id", "session_id"
    )
    named = found.filter(pl.col("event_id").is_not_null()).unique(
        "event_id", keep="first", maintain_order=True
    )
    unnamed = found.filter(pl.col("event_id").is_null()).unique(
        ["user_id", "item_id", "event_type", "timestamp"], keep="first", maintain_order=True
    )
    return pl.concat([owned.filter(~suspects), named, unnamed])


def _hashes(owned: pl.DataFrame) -> NDArray[np.uint64]:
    """Equal for what is the same event, (n,); by slices, for each takes several numbers a row."""
    key = (
        pl.when(pl.col("event_id").is_not_null())
        .then(pl.col("event_id").hash())
        .otherwise(pl.struct("user_id", "item_id", "event_type", "timestamp").hash())
    )
    hashes = np.empty(len(owned), np.uint64)
    done = 0
    for part in owned.iter_slices(_SLICE):
        hashes[done : done + len(part)] = part.select(key).to_series().to_numpy()
        done += len(part)
    return hashes


def build_interactions(
    events: pl.DataFrame, weights: ConfidenceWeights, shown: pl.DataFrame | None = None
) -> Interactions:
    """Builds the matrix of confidences.

    Args:
        events: As clean_events gives them.
        weights: Strength of each kind of event.
        shown: As clean_events gives it; None for nothing.

    Raises:
        InvalidInputError: Fewer than 1,000 interactions or 25 users: too little to learn from.
    """
    check_enough(len(events), events["user_id"].n_unique())
    return interactions_of(events, weights, shown)


def check_enough(n_events: int, n_users: int) -> None:
    """Checks that there is something to learn from.

    Raises:
        InvalidInputError: Fewer than 1,000 interactions or 25 users.
    """
    if n_events < MIN_INTERACTIONS or n_users < MIN_USERS:
        raise InvalidInputError(
            "events",
            f"there are {n_events} interactions of {n_users} users; training needs at least "
            f"{MIN_INTERACTIONS} of {MIN_USERS}; import more events or wait for traffic",
        )


def interactions_of(
    events: pl.DataFrame, weights: ConfidenceWeights, shown: pl.DataFrame | None = None
) -> Interactions:
    """Like build_interactions, of however few events: those of some viewers, each viewer's all.

    Args:
        events: As clean_events gives them, at least one.
        weights: Strength of each kind of event.
        shown: As clean_events gives it; None for nothing.
    """
    user_ids, user_rows = rows_of(events["user_id"])
    item_ids, item_rows = rows_of(events["item_id"])
    users = IdMap[UserId, UserRow](tuple(map(UserId, user_ids)))
    items = IdMap[ItemId, ItemRow](tuple(map(ItemId, item_ids)))
    single = confidences_of_events(events, user_rows, len(users), weights)
    evidence = pair_evidence(
        user_rows,
        item_rows,
        events["timestamp"].to_numpy(),
        single.rated,
        single.confidences,
        shape=(len(users), len(items)),
        watched=single.watched,
        returned=single.returned,
    )
    exposures = None
    if weights.unclicked and shown is not None:
        exposures = exposures_of(
            shown,
            users.ids,
            items.ids,
            (evidence.matrix.indptr, evidence.last_times),
            least=weights.unclicked_from,
            confidence=1 + weights.alpha * weights.unclicked,
        )
    return Interactions(
        users,
        items,
        evidence.matrix,
        evidence.last_times,
        int(evidence.last_times.max()),
        single.leniencies,
        exposures,
    )
