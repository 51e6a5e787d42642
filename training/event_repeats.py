"""Repeats: events that are there twice, ids that mean several events, sessions of several viewers.

Events are counted by 64-bit hashes of their columns: a tenth of the memory of the columns, a fifth
of the time, and one wrong pair in 10,000 runs of 50 million events.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.check_limits import DataChecks
from training.findings import Finding, finding

__all__ = ["Repeats", "count_repeats", "repeats_at_fault", "sessions_at_fault"]

_SLICE = 1_000_000
_EXACT = ("event_id", "user_id", "session_id", "item_id", "event_type", "timestamp")


@dataclass(frozen=True, slots=True)
class Repeats:
    """How much is repeated.

    Attributes:
        events: In all.
        exact: Those that repeat another one.
        lost: Different ones with the event_id of another.
    """

    events: int
    exact: int
    lost: int

    def __add__(self, other: "Repeats") -> "Repeats":
        """Of both, where no event of one has the content or the event_id of one of the other."""
        return Repeats(self.events + other.events, self.exact + other.exact, self.lost + other.lost)


def count_repeats(events: pl.DataFrame) -> Repeats:
    """Counts the repeats among events with the columns of EVENT_SCHEMA."""
    contents = _distinct(_key(events, *_EXACT))
    exact = len(events) - contents
    # An event_id makes two events one (training.interactions), so different ones have another.
    named = events["event_id"].is_not_null().to_numpy()
    if not named.all():
        contents = _distinct(_key(events, *_EXACT)[named])
    return Repeats(len(events), exact, contents - _distinct(_key(events, "event_id")[named]))


def repeats_at_fault(
    events: pl.DataFrame, checks: DataChecks, counted: Repeats | None = None
) -> list[Finding]:
    """Checks of exact repeats, and of different events with one event_id.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        checks: Thresholds; what is to be skipped is not told.
        counted: Of all, where these events are a share of them; None to count these.
    """
    repeats = counted or count_repeats(events)
    found = [_exact(events, repeats, checks), _reused(events, repeats, checks)]
    return [one for one in found if one is not None and one.check not in checks.skip]


def sessions_at_fault(events: pl.DataFrame, checks: DataChecks) -> list[Finding]:
    """The check of sessions in which many viewers signed in.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        checks: Thresholds; what is to be skipped is not told.
    """
    found = None if "shared_session" in checks.skip else _shared_sessions(events, checks)
    return [] if found is None else [found]


def _exact(events: pl.DataFrame, repeats: Repeats, checks: DataChecks) -> Finding | None:
    if repeats.exact <= checks.duplicate_share * repeats.events:
        return None
    return finding(
        events,
        _hash(*_EXACT).is_duplicated(),
        check="duplicates",
        field="events",
        told=f"{repeats.exact:,} events repeat another one (more than {checks.duplicate_share:.3g} "
        "of all)",
        remedy="find what sends or imports events twice; or raise duplicate_share",
    )


def _reused(events: pl.DataFrame, repeats: Repeats, checks: DataChecks) -> Finding | None:
    if repeats.lost <= checks.reused_share * repeats.events:
        return None
    return finding(
        events,
        pl.col("event_id").is_not_null() & (_hash(*_EXACT).n_unique().over("event_id") > 1),
        check="event_id_reuse",
        field="event_id",
        told=f"{repeats.lost:,} events have the event_id of a different event and would be lost",
        remedy="give each event an id of its own, or none; or raise reused_share",
    )


def _shared_sessions(events: pl.DataFrame, checks: DataChecks) -> Finding | None:
    signed = pl.col("user_id").is_not_null() & pl.col("session_id").is_not_null()
    user, session = pl.col("user_id").to_physical(), pl.col("session_id").hash()
    pairs = events.lazy().filter(signed).select(session.alias("session"), user.alias("user"))
    # Numbers alone are collected: the rows would be a copy of the whole frame.
    numbers = pairs.collect()
    sessions = numbers["session"].to_numpy()
    if _distinct(sessions + numbers["user"].to_numpy()) == _distinct(sessions.copy()):
        return None
    viewers = numbers.lazy().unique().group_by("session").len()
    shared = viewers.filter(pl.col("len") > checks.session_viewers).collect()["session"]
    if shared.is_empty():
        return None
    found = finding(
        events,
        signed & session.is_in(shared.implode()),
        check="shared_session",
        field="session_id",
        told=f"more than {checks.session_viewers} viewers signed in with one session",
        remedy="send a session_id that is new for each visit; or raise session_viewers",
    )
    return found if (found.rows or 0) > checks.bot_share * len(events) else None


def _hash(*columns: str) -> pl.Expr:
    """A 64-bit hash of the columns together; a seed for each keeps equal values apart."""
    return pl.sum_horizontal(pl.col(name).hash(seed) for seed, name in enumerate(columns))


def _key(events: pl.DataFrame, *columns: str) -> NDArray[np.uint64]:
    """The hash of each row, (n,); by slices, for the sum holds every column's hash at once."""
    key = np.empty(len(events), dtype=np.uint64)
    done = 0
    for part in events.iter_slices(_SLICE):
        key[done : done + len(part)] = part.select(_hash(*columns)).to_series().to_numpy()
        done += len(part)
    return key


def _distinct(values: NDArray[np.uint64]) -> int:
    """How many there are; sorts them. NumPy does that three times faster than a set takes them."""
    values.sort()
    return int(np.count_nonzero(values[1:] != values[:-1])) + min(len(values), 1)
