"""Frames of events as training reads them, and ways to damage them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from infra.simulator import SimulatorOptions, interactions
from training.lake import EVENT_SCHEMA, frame_of

__all__ = [
    "ANY",
    "CATALOGUE",
    "DAY",
    "DAY_20",
    "HOUR",
    "NOW",
    "Broken",
    "Row",
    "added",
    "filled",
    "good_events",
    "having",
    "many",
    "more",
    "nobody",
    "some",
    "spread",
    "steady",
    "times",
    "without_days",
    "without_recent",
]

END = datetime(2026, 1, 1, tzinfo=UTC)
NOW = int(END.timestamp() * 1000)
HOUR, DAY = 3_600_000, 86_400_000
CATALOGUE = frozenset(f"m{row:05d}" for row in range(600))


@cache
def good_events(seed: int = 7) -> pl.DataFrame:
    """30,000 events of 2,000 built-in viewers with 600 movies, 60 days up to NOW."""
    options = SimulatorOptions(
        viewers=2000, movies=600, interactions=30_000, days=60, seed=seed, end=END
    )
    return frame_of(list(interactions(options)))


type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A kind of damage.

    Attributes:
        name: For people.
        checks: The checks that have to fail, in the order of being told, with their fields.
        plant: Does the damage.
        shown: What every row has that is shown for the first of the checks.
        rows: How many rows are at fault by it; None where the number is not of the damage's making.
        known: Ids of the catalogue.
    """

    name: str
    checks: tuple[tuple[str, str], ...]
    plant: Callable[[pl.DataFrame], pl.DataFrame]
    shown: Callable[[Row], bool]
    rows: int | None = None
    known: frozenset[str] = frozenset()


def some(column: str, value: object, kind: str | None = None, rows: int = 3) -> Any:
    """Puts a value into the column of the first few rows (of a type)."""

    def plant(events: pl.DataFrame) -> pl.DataFrame:
        of_kind = pl.int_range(pl.len()) >= 0 if kind is None else pl.col("event_type") == kind
        chosen = of_kind & (of_kind.cum_sum() <= rows)
        planted = pl.when(chosen).then(pl.lit(value, EVENT_SCHEMA[column])).otherwise(column)
        return events.with_columns(planted.alias(column))

    return plant


def times(factor: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda events: events.with_columns((pl.col("timestamp") * factor).cast(pl.Int64))


def added(n: int, **columns: Any) -> pl.DataFrame:
    """Views with event ids of their own; other columns as told."""
    values: dict[str, Any] = {
        "user_id": "bot",
        "session_id": None,
        "item_id": [f"m{row % 300:05d}" for row in range(n)],
        "event_type": "view",
        "event_value": None,
        "timestamp": NOW - 20 * DAY,
        "event_id": [f"planted-{row}" for row in range(n)],
    } | columns
    return pl.DataFrame(
        {
            name: pl.Series(_listed(values[name], n), dtype=kind)
            for name, kind in EVENT_SCHEMA.items()
        }
    )


def _listed(value: Any, n: int) -> list[Any]:
    return [value] * n if value is None or isinstance(value, str | int | float) else list(value)


def more(n: int, **columns: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda events: pl.concat([events, added(n, **columns)])


def nobody(events: pl.DataFrame) -> pl.DataFrame:
    first = pl.int_range(pl.len()) < 4
    return events.with_columns(
        pl.when(~first).then("user_id").alias("user_id"),
        pl.when(~first).then("session_id").alias("session_id"),
    )


def filled(column: str, kind: str, value: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    changed = pl.when(pl.col("event_type") == kind).then(value).otherwise(column)
    return lambda events: events.with_columns(changed.alias(column))


def without_days(events: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("timestamp") // DAY
    first = NOW // DAY - 30
    return events.filter(~day.is_between(first, first + 8))


def without_recent(kind: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    recent = pl.col("timestamp") > NOW - 9 * DAY
    return lambda events: events.filter(~(recent & (pl.col("event_type") == kind)))


def many(n: int) -> list[str]:
    return [f"crowd{row % 500:03d}" for row in range(n)]


def steady(n: int, per_day: int, within: int = DAY) -> list[int]:
    """Times of n events, so many a day, evenly within a part of each day."""
    start = (NOW // DAY - 50) * DAY
    return [start + row // per_day * DAY + row % per_day * (within // per_day) for row in range(n)]


def spread(n: int, length: int, start: int) -> list[int]:
    return np.linspace(start, start + length, n, dtype=np.int64).tolist()


def having(column: str, *values: object) -> Callable[[Row], bool]:
    return lambda row: row.get(column) in values


DAY_20 = (NOW // DAY - 20) * DAY
ANY: Callable[[Row], bool] = bool
