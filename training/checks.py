"""Data checks before any fit: broken data stops the job, with the events at fault shown.

The reader refuses lines that are no events, one by one; that stops nothing. What is checked here is
what it accepted, and the same again for frames that come another way, each event by itself and all
of them together: machines among the viewers, floods, repeats, what has stopped coming.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from topshelf.events import EventPolicy
from training.check_limits import CHECK_NAMES, DataChecks
from training.event_rates import rates_at_fault
from training.event_repeats import repeats_at_fault, sessions_at_fault
from training.event_schema import columns_at_fault, row_rules, rows_at_fault
from training.event_volume import volumes_at_fault
from training.findings import Finding, finding, refuse
from training.id_columns import ITEM_IDS
from training.lake import LakeReading, Progress

__all__ = [
    "CHECK_NAMES",
    "DEFAULT_CHECKS",
    "CheckedEvents",
    "DataChecks",
    "ahead_of_clock",
    "check_events",
    "check_reading",
    "check_refused",
    "unknown_items",
]

DEFAULT_CHECKS = DataChecks()

FEWEST_EVENTS = 1000
"""With fewer, shares say nothing; and the training refuses so few anyway."""

_FEWEST_LINES = 100


@dataclass(frozen=True, slots=True)
class CheckedEvents:
    """Events that passed.

    Attributes:
        events: As they came, without those left out.
        counts: ``checks`` that were made, ``left_out_future`` events ahead of the clock.
    """

    events: pl.DataFrame
    counts: dict[str, int]


def check_reading(
    reading: LakeReading,
    checks: DataChecks,
    *,
    policy: EventPolicy,
    now: int,
    known_items: Collection[str],
    progress: Progress,
) -> CheckedEvents:
    """check_refused and check_events of what was read; progress is told of ``check``.

    Args:
        reading: What was read.
        checks: See check_events.
        policy: See check_events.
        now: See check_events.
        known_items: See check_events.
        progress: Told at the beginning and at the end.

    Raises:
        InvalidInputError: See check_events.
    """
    made = len(CHECK_NAMES) - len(checks.skip)
    progress("check", 0, made)
    refused = check_refused(reading.counts["lines"], reading.refused, checks)
    checked = check_events(
        reading.events, checks, policy=policy, now=now, known_items=known_items, earlier=refused
    )
    progress("check", made, made)
    return checked


def check_events(
    events: pl.DataFrame,
    checks: DataChecks,
    *,
    policy: EventPolicy,
    now: int,
    known_items: Collection[str] = (),
    earlier: list[Finding] | None = None,
) -> CheckedEvents:
    """Checks all events, and stops the job if a check fails.

    Every failed check is told, not the first alone; what is checked of all events together leaves
    those out that are broken by themselves.

    Args:
        events: Columns of training.lake.EVENT_SCHEMA, in any order.
        checks: Thresholds.
        policy: Which events the deployment accepts.
        now: The job's clock, UTC milliseconds.
        known_items: Item ids of the catalogue; empty where there is none.
        earlier: What check_refused found.

    Raises:
        InvalidInputError: A check failed; the text names each, how many events it is about, the
            first of them, and what to do.
    """
    found = list(earlier or [])
    if (columns := columns_at_fault(events)) is not None:
        refuse([*found, columns], len(events))
    rules = row_rules(policy, checks)
    broken = rows_at_fault(events, rules)
    good = events.filter(rule.holds for rule in rules) if broken else events
    horizon = checks.horizon(now)
    ahead, n_ahead = ahead_of_clock(good, horizon, checks)
    found += [*broken, *ahead]
    kept = good.filter(pl.col("timestamp") <= horizon) if n_ahead else good
    if len(kept) >= FEWEST_EVENTS:
        found += repeats_at_fault(kept, checks)
        found += sessions_at_fault(kept, checks)
        found += rates_at_fault(kept, checks)
        found += volumes_at_fault(kept, checks)
        found += unknown_items(kept, checks, known_items)
    refuse(sorted(found, key=lambda one: CHECK_NAMES.index(one.check)), len(events))
    made = len(CHECK_NAMES) - len(checks.skip)
    return CheckedEvents(kept, {"checks": made, "left_out_future": n_ahead})


def check_refused(lines: int, refused: Mapping[str, int], checks: DataChecks) -> list[Finding]:
    """Whether the reader refused too many lines.

    Args:
        lines: Lines read.
        refused: Lines that each quarantine object holds, by its key.
        checks: Thresholds.
    """
    count = sum(refused.values())
    if "refused_lines" in checks.skip or lines < _FEWEST_LINES:
        return []
    if count <= checks.refused_share * lines:
        return []
    largest = sorted(refused.items(), key=lambda one: (-one[1], one[0]))[:5]
    return [
        Finding(
            check="refused_lines",
            field="events",
            told=f"{count:,} of {lines:,} lines are no events "
            f"(more than {checks.refused_share:.3g} of all)",
            remedy="each line's reason is in these objects; mend what writes them, "
            "or raise refused_share",
            examples=tuple(f"{key}: {size:,} lines" for key, size in largest),
        )
    ]


def ahead_of_clock(
    events: pl.DataFrame, horizon: int, checks: DataChecks
) -> tuple[list[Finding], int]:
    """Whether too many events are ahead of the job's clock, and how many are.

    Args:
        events: Each row good by itself.
        horizon: UTC milliseconds; what is later is ahead.
        checks: Thresholds; where it is to be skipped, none is ahead.
    """
    if "time_future" in checks.skip:
        return [], 0
    future = pl.col("timestamp") > horizon
    count = int(events.select(future.sum()).item())
    if count <= checks.future_share * len(events):
        return [], count
    told = f"timestamp is more than {checks.future_hours:g} hours ahead of the job's clock"
    return [
        finding(
            events,
            future,
            check="time_future",
            field="timestamp",
            told=told,
            remedy="send UTC milliseconds; mend the clocks; or raise future_hours or future_share",
        )
    ], count


def unknown_items(
    events: pl.DataFrame, checks: DataChecks, known_items: Collection[str]
) -> list[Finding]:
    """Whether too many events are of items that the catalogue does not know.

    Args:
        events: Each row good by itself.
        checks: Thresholds.
        known_items: Item ids of the catalogue; empty where there is none.
    """
    if "unknown_items" in checks.skip or not known_items:
        return []
    known = pl.Series("known", sorted(known_items), dtype=ITEM_IDS)
    unknown = ~pl.col("item_id").is_in(known.implode())
    count = int(events.select(unknown.sum()).item())
    if count <= checks.unknown_share * len(events):
        return []
    return [
        finding(
            events,
            unknown,
            check="unknown_items",
            field="item_id",
            told="the catalogue does not know these items: are the ids of one kind?",
            remedy="bring the catalogue of these items, or none; or raise unknown_share",
        )
    ]
