"""When things happened: floods, missing days, types that stopped coming, values that never change.

Days and hours are of UTC. A day is compared with those around it, not with all: a platform that
imported an old history and then went live has two ages that have nothing in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.check_limits import DataChecks
from training.findings import Finding, finding

__all__ = ["Volumes", "count_volumes", "sum_of_volumes", "volumes_at_fault"]

_HOUR, _DAY = 3_600_000, 86_400_000
_BASELINE_DAYS = 28
_BUSY = 100
_FEWEST_RECENT = 500
_FEWEST_DAYS = 7
_MEASURED = ("watch", "rating")
_COUNT = pl.len().cast(pl.Int64)
_AS_TEXT = pl.col("event_type").cast(pl.String)
_NORMAL = 1.4826
"""Median absolute deviations of a normal distribution times this are standard deviations."""


@dataclass(frozen=True, slots=True)
class Volumes:
    """How many events there are of each hour, type and value.

    Attributes:
        newest: The newest event, UTC milliseconds.
        hours: ``hour`` since 1970, events ``n``.
        kinds: ``event_type``, whether ``recent``, ``day`` since 1970, events ``n``: of the newest
            days, which are recent, and of the baseline before them.
        values: ``event_type`` (watch or rating), events ``n``, ``low``est and ``high``est value.
    """

    newest: int
    hours: pl.DataFrame
    kinds: pl.DataFrame
    values: pl.DataFrame

    @property
    def events(self) -> int:
        """In all."""
        return int(self.hours["n"].sum())


def count_volumes(events: pl.DataFrame, checks: DataChecks, newest: int) -> Volumes:
    """Counts the events.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself.
        checks: Tell how many days are recent.
        newest: Of all events, where these are a share of them.
    """
    when, kind = pl.col("timestamp"), pl.col("event_type")
    recent = newest - checks.vanished_days * _DAY
    rows = events.lazy()
    return Volumes(
        newest,
        rows.group_by(hour=when // _HOUR).agg(n=_COUNT).sort("hour").collect(),
        rows.filter(when > recent - _BASELINE_DAYS * _DAY)
        .group_by(kind, recent=when > recent, day=when // _DAY)
        .agg(n=_COUNT)
        .collect()
        .with_columns(_AS_TEXT),
        rows.filter(kind.is_in(_MEASURED))
        .group_by(kind)
        .agg(n=_COUNT, low=pl.col("event_value").min(), high=pl.col("event_value").max())
        .collect()
        .with_columns(_AS_TEXT),
    )


def sum_of_volumes(parts: Sequence[Volumes]) -> Volumes:
    """Those of all shares of the data, at least one, counted with one newest event."""
    n = pl.col("n").sum()
    kinds = pl.concat(part.kinds for part in parts).group_by("event_type", "recent", "day")
    values = pl.concat(part.values for part in parts).group_by("event_type")
    return Volumes(
        parts[0].newest,
        pl.concat(part.hours for part in parts).group_by("hour").agg(n).sort("hour"),
        kinds.agg(n),
        values.agg(n, pl.col("low").min(), pl.col("high").max()),
    )


def volumes_at_fault(
    events: pl.DataFrame, checks: DataChecks, counted: Volumes | None = None
) -> list[Finding]:
    """Checks of how many events there are of each day, hour, type and value.

    Args:
        events: With the columns of EVENT_SCHEMA, each row good by itself; at least one.
        checks: Thresholds; what is to be skipped is not told.
        counted: Of all, where these events are a share of them; None to count these.
    """
    volumes = counted or count_volumes(events, checks, _newest(events))
    hours = volumes.hours["hour"].to_numpy(), volumes.hours["n"].to_numpy()
    days = _by_day(hours)
    found = [
        _flood(events, checks, "volume_day", days, _DAY, around=45, fewest=14),
        _flood(events, checks, "volume_hour", hours, _HOUR, around=7 * 24, fewest=48),
        _missing_days(events, checks, days),
        *_vanished(events, checks, volumes),
        *_constant(events, checks, volumes.values),
    ]
    return [one for one in found if one is not None and one.check not in checks.skip]


type _Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


def _newest(events: pl.DataFrame) -> int:
    return int(events["timestamp"].max())  # type: ignore[arg-type]  # an integer column


def _by_day(hours: _Counts) -> _Counts:
    days, places = np.unique(hours[0] // 24, return_inverse=True)
    return days, np.bincount(places, weights=hours[1]).astype(np.int64)


def _flood(
    events: pl.DataFrame,
    checks: DataChecks,
    check: str,
    counts: _Counts,
    unit: int,
    *,
    around: int,
    fewest: int,
) -> Finding | None:
    """Days or hours far above the median of those around them."""
    units, sizes = counts
    name, share = (
        ("day_share", checks.day_share) if unit == _DAY else ("hour_share", checks.hour_share)
    )
    over = []
    for place in np.flatnonzero(sizes > share * sizes.sum()):
        near = (np.abs(units - units[place]) <= around) & (units != units[place])
        if near.sum() < fewest:
            continue
        middle = float(np.median(sizes[near]))
        spread = _NORMAL * float(np.median(np.abs(sizes[near] - middle)))
        bound = max(middle + checks.volume_deviations * spread, checks.volume_ratio * middle)
        if sizes[place] > bound:
            over.append((int(units[place]), int(sizes[place]), middle))
    if not over:
        return None
    when, size, middle = over[0]
    what, printed = ("day", "D") if unit == _DAY else ("hour", "h")
    first = np.datetime64(when * unit, "ms").astype(f"datetime64[{printed}]")
    return finding(
        events,
        (pl.col("timestamp") // unit).is_in([one[0] for one in over]),
        check=check,
        field="timestamp",
        told=f"{len(over)} {what}{'s' if len(over) > 1 else ''} with far more events than those "
        f"around: {first} has {size:,}, where {middle:,.0f} are usual",
        remedy=f"remove what is not from viewers; if it is, raise {name} or volume_ratio",
    )


def _missing_days(events: pl.DataFrame, checks: DataChecks, days: _Counts) -> Finding | None:
    """A stretch without events amid busy days."""
    units, sizes = days
    for last, first in pairwise(units.tolist()):
        missing = first - last - 1
        if not checks.missing_days < missing <= 60:
            continue
        sides = ((units <= last) & (units > last - 14), (units >= first) & (units < first + 14))
        if all(side.sum() >= 7 and np.median(sizes[side]) >= _BUSY for side in sides):
            begin, end = np.datetime64(last + 1, "D"), np.datetime64(first - 1, "D")
            # The rows on either side tell what stopped, and what came back.
            edge = pl.col("timestamp").is_between(last * _DAY, (last + 1) * _DAY, closed="left")
            return finding(
                events,
                edge,
                check="missing_days",
                field="timestamp",
                told=f"no event from {begin} to {end} ({missing} days), with busy days on either "
                "side; these are the events of the day before",
                remedy="bring the missing events; if there were none, raise missing_days",
            )
    return None


def _vanished(events: pl.DataFrame, checks: DataChecks, volumes: Volumes) -> list[Finding]:
    """Types of events that were common and have stopped coming."""
    recent = volumes.newest - checks.vanished_days * _DAY
    counted = volumes.kinds
    old = counted.filter(~pl.col("recent"))
    kinds = old.group_by("event_type").agg(pl.col("n").sum(), pl.col("day").n_unique())
    before = {kind: count for kind, count, _ in kinds.iter_rows()}
    total, now = int(old["n"].sum()), int(counted.filter("recent")["n"].sum())
    if total < _FEWEST_RECENT or now < _FEWEST_RECENT:
        return []
    # What came in one burst has not stopped coming: it has to have been there day by day.
    usual = max(_FEWEST_DAYS, old["day"].n_unique() / 2)
    common = kinds.filter((pl.col("n") > checks.vanished_share * total) & (pl.col("day") >= usual))
    gone = sorted(set(common["event_type"]) - set(counted.filter("recent")["event_type"]))
    return [
        finding(
            events,
            (pl.col("event_type") == kind)
            & pl.col("timestamp").is_between(recent - _DAY * _BASELINE_DAYS, recent),
            check="type_vanished",
            field="event_type",
            told=f"no {kind} in the newest {checks.vanished_days} days among {now:,} events, where "
            f"it was {before[kind]:,} of {total:,} in the {_BASELINE_DAYS} days before",
            remedy=f"find why {kind} is not sent any more; if that is meant, skip type_vanished",
        )
        for kind in gone
    ]


def _constant(events: pl.DataFrame, checks: DataChecks, values: pl.DataFrame) -> list[Finding]:
    """Watches or ratings that all have one value."""
    same = values.filter(
        (pl.col("n") >= checks.constant_events) & (pl.col("low") == pl.col("high"))
    )
    return [
        finding(
            events,
            pl.col("event_type") == kind,
            check="constant_value",
            field="event_value",
            told=f"all {n:,} {kind} events have the value {low:g}",
            remedy="send what was measured; if it is always so, skip constant_value",
        )
        for kind, n, low, _ in same.sort("event_type", descending=True).iter_rows()
    ]
