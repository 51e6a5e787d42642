"""Who and what has too much: machines among the viewers, and shares beyond belief.

A viewer is the user_id, or before sign-in the session_id, and goes by a number: a user by that of
this process, a session by a hash of 64 bits. One in ten million runs of a million users and a
million sessions takes one for the other.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.check_limits import DataChecks
from training.findings import Finding, finding

__all__ = ["rates_at_fault"]

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_SMALLEST_CATALOGUE = 500
_OWNER = pl.coalesce(pl.col("user_id").to_physical().cast(pl.UInt64), pl.col("session_id").hash())
_ITEM = pl.col("item_id").to_physical().cast(pl.UInt64)


def rates_at_fault(events: pl.DataFrame, checks: DataChecks) -> list[Finding]:
    """Checks of machines, and of one viewer's, one item's, one instant's share.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        checks: Thresholds; what is to be skipped is not told.
    """
    small = events.lazy().select(_OWNER.alias("owner"), "timestamp", _ITEM.alias("item"))
    anonymous = events.lazy().filter(pl.col("user_id").is_null()).group_by(owner=_OWNER).len()
    viewers = pl.concat([_counted(events["user_id"], "owner"), anonymous.collect()])
    items = _counted(events["item_id"], "item")
    found = [
        *_machines(events, small, viewers, len(items), checks),
        _share(events, viewers, checks.viewer_share, check="viewer_share", field="user_id"),
        _share(events, items, checks.item_share, check="item_share", field="item_id"),
        _instant(events, checks),
    ]
    return [one for one in found if one is not None and one.check not in checks.skip]


def _machines(
    events: pl.DataFrame,
    small: pl.LazyFrame,
    viewers: pl.DataFrame,
    n_items: int,
    checks: DataChecks,
) -> list[Finding | None]:
    """Viewers with rates that no person reaches. Only who has enough events at all is looked at."""

    def of(least: float) -> pl.LazyFrame:
        heavy = viewers.filter(pl.col("len") > least)["owner"]
        return small.filter(pl.col("owner").is_in(heavy.implode()))

    def busiest(unit: int, most: int) -> pl.LazyFrame:
        counts = of(most).group_by("owner", pl.col("timestamp") // unit).len()
        return counts.filter(pl.col("len") > most)

    def sleepless() -> pl.LazyFrame:
        day = (pl.col("timestamp") // _DAY).hash() + pl.col("owner")
        active = of(checks.awake_hours * checks.awake_days)
        # Distinct hours are dear to find: first, the few days with as many events as that.
        days_of = active.select(day.alias("day")).collect()["day"]
        long_days = _often(days_of.to_numpy(), checks.awake_hours)
        hours = active.filter(day.is_in(long_days.implode()))
        days = (
            hours.select("owner", pl.col("timestamp") // _HOUR)
            .unique()
            .group_by("owner", pl.col("timestamp") // 24)
            .len()
        )
        long = days.filter(pl.col("len") > checks.awake_hours).group_by("owner").len()
        return long.filter(pl.col("len") >= checks.awake_days)

    def walkers() -> pl.LazyFrame:
        least = checks.catalogue_share * n_items
        enough = n_items >= _SMALLEST_CATALOGUE
        seen = of(least if enough else len(events)).group_by("owner").agg(pl.col("item").n_unique())
        return seen.filter(pl.col("item") > least)

    kinds: list[tuple[str, Callable[[], pl.LazyFrame], str, str]] = [
        (
            "bot_minute",
            lambda: busiest(_MINUTE, checks.events_per_minute),
            f"a viewer has more than {checks.events_per_minute} events in one minute",
            "events_per_minute",
        ),
        (
            "bot_day",
            lambda: busiest(_DAY, checks.events_per_day),
            f"a viewer has more than {checks.events_per_day} events in one day",
            "events_per_day",
        ),
        (
            "bot_sleepless",
            sleepless,
            f"a viewer is active in more than {checks.awake_hours} hours of the day "
            f"on {checks.awake_days} days or more",
            "awake_hours or awake_days",
        ),
        (
            "bot_catalogue",
            walkers,
            f"a viewer has touched more than {checks.catalogue_share:.3g} of all {n_items:,} items",
            "catalogue_share",
        ),
    ]
    found: list[Finding | None] = []
    for check, owners, told, threshold in kinds:
        bots = owners().select("owner").unique().collect()["owner"]
        if bots.is_empty() or check in checks.skip:
            continue
        one = finding(
            events,
            _OWNER.is_in(bots.implode()),
            check=check,
            field="user_id",
            told=told,
            remedy="remove this traffic and keep it out; if they are people, "
            f"raise {threshold} or bot_share",
        )
        if (one.rows or 0) > checks.bot_share * len(events):
            found.append(one)
    return found


def _counted(ids: pl.Series, name: str) -> pl.DataFrame:
    """How many rows each id has, by its number; a group_by would hold many times the column."""
    numbers = ids.drop_nulls().to_physical().to_numpy()
    counts = np.bincount(numbers)
    found = np.flatnonzero(counts)
    return pl.DataFrame(
        {name: found, "len": counts[found]}, schema={name: pl.UInt64, "len": pl.UInt32}
    )


def _often(values: NDArray[np.uint64], most: int) -> pl.Series:
    """The values that are there more than so many times."""
    ordered = np.sort(values)
    later = ordered[most:]
    return pl.Series(np.unique(later[later == ordered[: len(later)]]), dtype=pl.UInt64)


def _share(
    events: pl.DataFrame, counts: pl.DataFrame, most: float, *, check: str, field: str
) -> Finding | None:
    """Whether one viewer or item has more than its share of the events."""
    over = counts.filter(pl.col("len") > most * len(events)).sort("len")
    if over.is_empty():
        return None
    return finding(
        events,
        (_OWNER if field == "user_id" else _ITEM).is_in(over[:, 0].implode()),
        check=check,
        field=field,
        told=f"one {field.removesuffix('_id')} has {over['len'][-1]:,} of {len(events):,} events "
        f"(more than {most:.3g} of all)",
        remedy=f"find where they come from; or raise {check}",
    )


def _instant(events: pl.DataFrame, checks: DataChecks) -> Finding | None:
    """Whether one timestamp has more than its share."""
    least = checks.instant_share * len(events)
    hour = pl.col("timestamp") // _HOUR
    # Few instants of few hours are counted, where counting all would take a number a row.
    hours = events.lazy().group_by(hour).len().filter(pl.col("len") > least).collect()["timestamp"]
    within = events.lazy().filter(hour.is_in(hours.implode())).group_by("timestamp").len()
    over = within.filter(pl.col("len") > least).sort("len").collect()
    if over.is_empty():
        return None
    return finding(
        events,
        pl.col("timestamp").is_in(over["timestamp"].implode()),
        check="one_instant",
        field="timestamp",
        told=f"{over['len'][-1]:,} of {len(events):,} events happened at the same millisecond",
        remedy="send when each event happened; or raise instant_share",
    )
