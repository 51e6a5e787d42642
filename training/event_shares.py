"""Shares beyond belief: one viewer, one item or one instant that has far too many of the events.

A viewer is the user_id, or before sign-in the session_id, and goes by a number: a user by that of
this process, a session by a hash of 64 bits. One in ten million runs of a million users and a
million sessions takes one for the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from training.check_limits import DataChecks
from training.findings import Finding, finding
from training.id_columns import ITEM_IDS

__all__ = [
    "ITEM",
    "OWNER",
    "Shares",
    "count_instants",
    "count_items",
    "count_numbers",
    "count_shares",
    "count_viewers",
    "most_events",
    "shares_at_fault",
]

_HOUR = 3_600_000

OWNER = pl.coalesce(pl.col("user_id").to_physical().cast(pl.UInt64), pl.col("session_id").hash())
"""The viewer of a row, by number."""

ITEM = pl.col("item_id").to_physical().cast(pl.UInt64)
"""The item of a row, by number."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Who and what has most of the events.

    Attributes:
        events: In all.
        viewer: Events of the viewer who has most.
        items: Events of each item that has more than its share, by id.
        instants: Events of each millisecond that has more than its share.
    """

    events: int
    viewer: int
    items: Mapping[str, int]
    instants: Mapping[int, int]


class _Share(NamedTuple):
    """One viewer or item that has more than its share of the events."""

    whose: str
    kind: str
    most: int
    bound: float


def count_shares(
    events: pl.DataFrame, viewers: pl.DataFrame, items: pl.DataFrame, checks: DataChecks
) -> Shares:
    """The shares of whole data.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        viewers: See count_viewers.
        items: Events of each, ``len``, by number, ``item``.
        checks: Thresholds.
    """
    busy = items.filter(pl.col("len") > checks.item_share * len(events))["item"]
    return Shares(
        len(events),
        most_events(viewers),
        {} if busy.is_empty() else count_items(events.filter(ITEM.is_in(busy.implode()))),
        _instants(events, checks),
    )


def shares_at_fault(events: pl.DataFrame, checks: DataChecks, shares: Shares) -> list[Finding]:
    """Checks of one viewer's, one item's, one instant's share, among some of the viewers.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself; of these viewers, all.
        checks: Thresholds; what is to be skipped is not told.
        shares: Of all events.
    """
    total, found = shares.events, []
    if shares.viewer > checks.viewer_share * total:
        viewers = count_viewers(events)
        over = viewers.filter(pl.col("len") > checks.viewer_share * total)["owner"]
        at_fault = OWNER.is_in(over.implode())
        own = _Share("viewer", "user", shares.viewer, checks.viewer_share)
        found.append(_share_found(events, at_fault, own, total))
    if shares.items:
        numbers = pl.Series(list(shares.items), dtype=ITEM_IDS).to_physical().cast(pl.UInt64)
        at_fault, most = ITEM.is_in(numbers.implode()), max(shares.items.values())
        own = _Share("item", "item", most, checks.item_share)
        found.append(_share_found(events, at_fault, own, total))
    if shares.instants:
        when = pl.Series(list(shares.instants), dtype=pl.Int64)
        found.append(
            finding(
                events,
                pl.col("timestamp").is_in(when.implode()),
                check="one_instant",
                field="timestamp",
                told=f"{max(shares.instants.values()):,} of {total:,} events happened at the same "
                "millisecond",
                remedy="send when each event happened; or raise instant_share",
            )
        )
    return [one for one in found if one.check not in checks.skip]


def count_viewers(events: pl.DataFrame) -> pl.DataFrame:
    """How many events each viewer has: ``owner``, by number, and ``len``."""
    anonymous = events.lazy().filter(pl.col("user_id").is_null()).group_by(owner=OWNER).len()
    return pl.concat([count_numbers(events["user_id"], "owner"), anonymous.collect()])


def most_events(viewers: pl.DataFrame) -> int:
    """Events of the viewer who has most, see count_viewers."""
    return int(viewers.select(pl.col("len").max().fill_null(0)).item())


def count_items(events: pl.DataFrame) -> dict[str, int]:
    """Events of each item, by id."""
    counted = events.lazy().group_by("item_id").len().collect()
    return dict(zip(counted["item_id"].cast(pl.String), counted["len"], strict=True))


def count_instants(events: pl.DataFrame, hours: Sequence[int]) -> dict[int, int]:
    """Events of each millisecond of some hours since 1970, by UTC milliseconds."""
    within = pl.col("timestamp").floordiv(_HOUR).is_in(pl.Series(hours, dtype=pl.Int64).implode())
    counted = events.lazy().filter(within).group_by("timestamp").len().collect()
    return dict(counted.iter_rows())


def count_numbers(ids: pl.Series, name: str) -> pl.DataFrame:
    """How many rows each id has, by its number; a group_by would hold many times the column."""
    numbers = ids.drop_nulls().to_physical().to_numpy()
    counts = np.bincount(numbers)
    found = np.flatnonzero(counts)
    return pl.DataFrame(
        {name: found, "len": counts[found]}, schema={name: pl.UInt64, "len": pl.UInt32}
    )


def _share_found(events: pl.DataFrame, at_fault: pl.Expr, own: _Share, total: int) -> Finding:
    return finding(
        events,
        at_fault,
        check=f"{own.whose}_share",
        field=f"{own.kind}_id",
        told=f"one {own.kind} has {own.most:,} of {total:,} events "
        f"(more than {own.bound:.3g} of all)",
        remedy=f"find where they come from; or raise {own.whose}_share",
    )


def _instants(events: pl.DataFrame, checks: DataChecks) -> dict[int, int]:
    """The timestamps with more than their share, and how many events each has."""
    least = checks.instant_share * len(events)
    hour = pl.col("timestamp") // _HOUR
    # Few instants of few hours are counted, where counting all would take a number a row.
    hours = events.lazy().group_by(hour).len().filter(pl.col("len") > least).collect()["timestamp"]
    found = count_instants(events, hours.to_list())
    return {when: count for when, count in found.items() if count > least}
