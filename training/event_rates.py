"""Who has too much: machines among the viewers. Beside them, training.event_shares."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.check_limits import DataChecks
from training.event_shares import (
    ITEM,
    OWNER,
    count_numbers,
    count_shares,
    count_viewers,
    shares_at_fault,
)
from training.findings import Finding, finding

__all__ = ["machines_at_fault", "rates_at_fault"]

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_SMALLEST_CATALOGUE = 500


def rates_at_fault(events: pl.DataFrame, checks: DataChecks) -> list[Finding]:
    """Checks of machines, and of one viewer's, one item's, one instant's share.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        checks: Thresholds; what is to be skipped is not told.
    """
    viewers, items = count_viewers(events), count_numbers(events["item_id"], "item")
    shares = count_shares(events, viewers, items, checks)
    return [
        *_machines(events, viewers, len(items), checks),
        *shares_at_fault(events, checks, shares),
    ]


def machines_at_fault(events: pl.DataFrame, checks: DataChecks, n_items: int) -> list[Finding]:
    """Checks of machines among some of the viewers, all of whose events are here.

    Args:
        events: See rates_at_fault.
        checks: See rates_at_fault.
        n_items: Different items of all events.
    """
    return _machines(events, count_viewers(events), n_items, checks)


def _machines(
    events: pl.DataFrame, viewers: pl.DataFrame, n_items: int, checks: DataChecks
) -> list[Finding]:
    """Viewers with rates that no person reaches. Only who has enough events at all is looked at."""
    small = events.lazy().select(OWNER.alias("owner"), "timestamp", ITEM.alias("item"))

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
    found: list[Finding] = []
    for check, owners, told, threshold in kinds:
        bots = owners().select("owner").unique().collect()["owner"]
        if bots.is_empty() or check in checks.skip:
            continue
        one = finding(
            events,
            OWNER.is_in(bots.implode()),
            check=check,
            field="user_id",
            told=told,
            remedy="remove this traffic and keep it out; if they are people, "
            f"raise {threshold} or bot_share",
        )
        if (one.rows or 0) > checks.bot_share * len(events):
            found.append(one)
    return found


def _often(values: NDArray[np.uint64], most: int) -> pl.Series:
    """The values that are there more than so many times."""
    ordered = np.sort(values)
    later = ordered[most:]
    return pl.Series(np.unique(later[later == ordered[: len(later)]]), dtype=pl.UInt64)
