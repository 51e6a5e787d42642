"""The confidence of every event of a training, a few millions at a time."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from topshelf.features import ConfidenceWeights, event_confidences
from topshelf.leniency import leniencies
from topshelf.returning import returned_confidences

__all__ = ["EventConfidences", "confidences_of_events"]

_EVENTS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class EventConfidences:
    """What each event says by itself.

    Attributes:
        confidences: float32, (n,).
        rated: Whether it is a rating, (n,).
        watched: Whether it is a watch, (n,); None where returns count for nothing.
        returned: The confidences of the events if they are returns, (n,); None likewise.
        leniencies: Of the viewers, (n_users,); None where ratings count as they are.
    """

    confidences: NDArray[np.float32]
    rated: NDArray[np.bool_]
    watched: NDArray[np.bool_] | None
    returned: NDArray[np.float32] | None
    leniencies: NDArray[np.float64] | None


def confidences_of_events(
    events: pl.DataFrame, users: NDArray[np.int32], n_users: int, weights: ConfidenceWeights
) -> EventConfidences:
    """Weighs events.

    Args:
        events: Columns ``event_type`` and ``event_value`` are read, (n,).
        users: Row of each event's viewer, (n,).
        n_users: Viewers there are.
        weights: Strength of each kind of event.
    """
    n = len(events)
    confidences, rated = np.empty(n, np.float32), np.empty(n, np.bool_)
    watched = np.empty(n, np.bool_) if weights.rewatched else None
    lenient = _leniencies(events, users, n_users) if weights.rating_centred else None
    for start in range(0, n, _EVENTS_AT_ONCE):
        part = events.select("event_type", "event_value").slice(start, _EVENTS_AT_ONCE)
        own = slice(start, start + len(part))
        types_of = part["event_type"].cast(pl.String)
        kinds = types_of.unique().sort()
        codes = types_of.cast(pl.Enum(kinds)).to_physical().to_numpy()
        types = np.array(kinds.to_list(), dtype=np.str_)[codes]
        values = part["event_value"].fill_null(float("nan")).to_numpy()
        shift = 0.0 if lenient is None else lenient[users[own]]
        confidences[own] = event_confidences(types, values, weights, shift)
        rated[own] = types == "rating"
        if watched is not None:
            watched[own] = types == "watch"
    returned = None if watched is None else returned_confidences(confidences, weights)
    return EventConfidences(confidences, rated, watched, returned, lenient)


def _leniencies(
    events: pl.DataFrame, users: NDArray[np.int32], n_users: int
) -> NDArray[np.float64]:
    is_rating = (pl.col("event_type") == "rating") & pl.col("event_value").is_not_null()
    rated = events.select(is_rating).to_series()
    values = events["event_value"].filter(rated).to_numpy()
    return leniencies(users[rated.to_numpy()], values, n_users)
