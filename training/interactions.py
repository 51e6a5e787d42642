"""From events to the matrix that ALS is trained on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from topshelf.errors import InvalidInputError
from topshelf.factors import IdMap
from topshelf.features import ConfidenceWeights, combine_evidence, event_confidences

__all__ = ["Cleaned", "Interactions", "build_interactions", "clean_events"]

MIN_INTERACTIONS = 1000
"""As Amazon Personalize asks: with fewer, a model is noise."""

MIN_USERS = 25
"""As Amazon Personalize asks, with at least two interactions each."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Events fit for training.

    Attributes:
        events: Columns of training.lake.EVENT_SCHEMA; every row has a user, none is a duplicate,
            sorted, so that the same set of events is the same frame whatever the order it came in.
        counts: ``events`` left, ``duplicates`` dropped, ``joined`` session events that found their
            user, ``unjoined`` ones that did not and are left out.
    """

    events: pl.DataFrame
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Interactions:
    """The training data.

    Attributes:
        users: User ids and their rows.
        items: Item ids and their columns.
        matrix: Confidences, float32 CSR (n_users, n_items), columns ascending in each row.
        last_times: Newest event of each stored entry, UTC milliseconds, int64 (nnz,).
        newest_event: Newest event of all, UTC milliseconds.
    """

    users: IdMap
    items: IdMap
    matrix: csr_matrix
    last_times: NDArray[np.int64]
    newest_event: int


def clean_events(events: pl.DataFrame) -> Cleaned:
    """Joins sessions to users and drops duplicates.

    A session's events join the user that first signs in with that session anywhere in the data. A
    duplicate is the same event_id, or without one the same user, item, type and timestamp.

    Args:
        events: Columns of training.lake.EVENT_SCHEMA, in any order.
    """
    signed_in = (
        events.filter(pl.col("user_id").is_not_null() & pl.col("session_id").is_not_null())
        .sort("timestamp", "user_id")
        .unique("session_id", keep="first", maintain_order=True)
        .select("session_id", pl.col("user_id").alias("session_user"))
    )
    anonymous = events["user_id"].null_count()
    owned = (
        events.join(signed_in, on="session_id", how="left")
        .with_columns(pl.coalesce("user_id", "session_user").alias("user_id"))
        .drop("session_user")
        .filter(pl.col("user_id").is_not_null())
        .sort(
            "user_id", "item_id", "timestamp", "event_type", "event_value", "event_id", "session_id"
        )
    )
    named = owned.filter(pl.col("event_id").is_not_null()).unique(
        "event_id", keep="first", maintain_order=True
    )
    unnamed = owned.filter(pl.col("event_id").is_null()).unique(
        ["user_id", "item_id", "event_type", "timestamp"], keep="first", maintain_order=True
    )
    unjoined = len(events) - len(owned)
    return Cleaned(
        events=pl.concat([named, unnamed]),
        counts={
            "events": len(named) + len(unnamed),
            "duplicates": len(owned) - len(named) - len(unnamed),
            "joined": anonymous - unjoined,
            "unjoined": unjoined,
        },
    )


def build_interactions(events: pl.DataFrame, weights: ConfidenceWeights) -> Interactions:
    """Builds the matrix of confidences.

    Args:
        events: As clean_events gives them.
        weights: Strength of each kind of event.

    Raises:
        InvalidInputError: Fewer than 1,000 interactions or 25 users: too little to learn from.
    """
    n_users = events["user_id"].n_unique()
    if len(events) < MIN_INTERACTIONS or n_users < MIN_USERS:
        raise InvalidInputError(
            "events",
            f"there are {len(events)} interactions of {n_users} users; training needs at least "
            f"{MIN_INTERACTIONS} of {MIN_USERS}; import more events or wait for traffic",
        )
    users, user_rows = _rows(events["user_id"])
    items, item_rows = _rows(events["item_id"])
    types = events["event_type"].to_numpy().astype(np.str_)
    values = events["event_value"].fill_null(float("nan")).to_numpy()
    evidence = combine_evidence(
        user_rows * len(items) + item_rows,
        events["timestamp"].to_numpy(),
        types == "rating",
        event_confidences(types, values, weights),
    )
    owners, columns = np.divmod(evidence.pairs, len(items))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(users)))])
    matrix = csr_matrix(
        (evidence.confidences, columns.astype(np.int32), indptr.astype(np.int32)),
        shape=(len(users), len(items)),
    )
    newest = int(evidence.last_times.max())
    return Interactions(users, items, matrix, evidence.last_times, newest)


def _rows(names: pl.Series) -> tuple[IdMap, NDArray[np.int64]]:
    ids = names.unique().sort()
    rows = names.cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int64)
    return IdMap(tuple(ids.to_list())), rows
