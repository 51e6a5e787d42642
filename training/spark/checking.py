"""The data checks of training.checks, on events that are shared out.

What a check needs to know of all events is small: how many there are of each hour, of each item, of
the busiest viewer. It is counted on the shares and added up. The checks themselves are those of one
machine, on each share with what is known of all, and what the shares find is told together.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from operator import add

import polars as pl
from pyspark import RDD

from topshelf.events import EventPolicy
from training.check_limits import CHECK_NAMES, DataChecks
from training.checks import FEWEST_EVENTS, ahead_of_clock, unknown_items
from training.event_rates import machines_at_fault
from training.event_repeats import (
    Repeats,
    count_repeats,
    repeats_at_fault,
    sessions_at_fault,
)
from training.event_schema import RowRule, row_rules, rows_at_fault
from training.event_shares import (
    Shares,
    count_instants,
    count_items,
    count_viewers,
    most_events,
    shares_at_fault,
)
from training.event_volume import count_volumes, sum_of_volumes, volumes_at_fault
from training.findings import Finding, refuse
from training.lake import EVENT_SCHEMA
from training.spark.findings import together
from training.spark.frames import pack_frame, rearranged, unpack_frame
from training.spark.routing import by_event, by_session, by_viewer

__all__ = ["CheckedShares", "check_shared"]


@dataclass(frozen=True, slots=True)
class CheckedShares:
    """Events that passed, in partitions.

    Attributes:
        sessions: One packed frame a partition, each session whole in one.
        counts: See training.checks.CheckedEvents.
    """

    sessions: RDD[bytes]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of a share's events one by one.

    Attributes:
        found: Rows that are broken, ahead of the clock, or of unknown items, however few.
        events: In all.
        good: Not broken.
        ahead: Of those, ahead of the clock.
        newest: The newest of the others; None where there is none.
    """

    found: list[Finding]
    events: int
    good: int
    ahead: int
    newest: int | None


def check_shared(
    frames: RDD[bytes],
    checks: DataChecks,
    *,
    policy: EventPolicy,
    now: int,
    known_items: Collection[str],
    earlier: list[Finding],
    parts: int,
) -> CheckedShares:
    """Checks all events, and stops the job if a check fails, as training.checks.check_events does.

    Args:
        frames: Packed frames as they were read; they are looked at several times.
        checks: Thresholds.
        policy: Which events the deployment accepts.
        now: The job's clock, UTC milliseconds.
        known_items: Item ids of the catalogue; empty where there is none.
        earlier: What training.checks.check_refused found.
        parts: Partitions of the result.

    Raises:
        InvalidInputError: A check failed; with the text of the single machine.
    """
    horizon = checks.horizon(now)
    seen = _look(frames, checks, policy, horizon, known_items)
    total, good = sum(one.events for one in seen), sum(one.good for one in seen)
    n_ahead = sum(one.ahead for one in seen)
    rules = row_rules(policy, checks)
    alone = together(finding for one in seen for finding in one.found)
    broken = _in_order(alone, rules)
    kept = frames
    if broken or n_ahead:
        kept = frames.map(lambda packed: pack_frame(_kept(unpack_frame(packed), rules, horizon)))
    sessions = rearranged(kept, by_session(parts), parts)
    found = [*earlier, *broken, *_above(alone, "time_future", checks.future_share * good)]
    n_kept = good - n_ahead
    if n_kept >= FEWEST_EVENTS:
        found += _above(alone, "unknown_items", checks.unknown_share * n_kept)
        found += _all_together(kept, sessions, seen, checks, parts)
    refuse(sorted(found, key=lambda one: CHECK_NAMES.index(one.check)), total)
    made = len(CHECK_NAMES) - len(checks.skip)
    return CheckedShares(sessions, {"checks": made, "left_out_future": n_ahead})


def _look(
    frames: RDD[bytes],
    checks: DataChecks,
    policy: EventPolicy,
    horizon: int,
    known_items: Collection[str],
) -> list[_Seen]:
    names = frames.context.broadcast(sorted(known_items))
    # How many are too many is for all shares together.
    strict = replace(checks, future_share=0.0, unknown_share=0.0)

    def look(packed: bytes) -> _Seen:
        events = unpack_frame(packed)
        rules = row_rules(policy, checks)
        broken = rows_at_fault(events, rules)
        good = events.filter(rule.holds for rule in rules) if broken else events
        ahead, n_ahead = ahead_of_clock(good, horizon, strict)
        kept = good.filter(pl.col("timestamp") <= horizon) if n_ahead else good
        unknown = unknown_items(kept, strict, names.value)
        newest = kept.select(pl.col("timestamp").max()).item()
        found = [*broken, *ahead, *unknown]
        return _Seen(found, len(events), len(good), n_ahead, newest)

    return frames.map(look).collect()


def _all_together(
    kept: RDD[bytes], sessions: RDD[bytes], seen: list[_Seen], checks: DataChecks, parts: int
) -> list[Finding]:
    """What is checked of all events together: floods, machines, repeats."""
    newest = max(one.newest for one in seen if one.newest is not None)
    counted = kept.map(lambda packed: count_volumes(unpack_frame(packed), checks, newest))
    volumes = sum_of_volumes(counted.collect())
    # An odd viewer or session is for all shares to judge.
    strict = replace(checks, bot_share=0.0)
    n_kept = volumes.events
    # Added up where they are: of many shares, the driver would have every item many times.
    counts = kept.flatMap(lambda packed: count_items(unpack_frame(packed)).items())
    items = counts.reduceByKey(add, parts).collectAsMap()
    n_items = len(items)

    def machines(events: pl.DataFrame) -> tuple[list[Finding], int]:
        return machines_at_fault(events, strict, n_items), most_events(count_viewers(events))

    viewers = rearranged(kept, by_viewer(parts), parts)
    told = viewers.map(lambda packed: machines(unpack_frame(packed))).collect()
    odd = [finding for one, _ in told for finding in one]
    odd += _found(sessions, lambda events: sessions_at_fault(events, strict))
    over = {name: count for name, count in items.items() if count > checks.item_share * n_kept}
    hours = volumes.hours.filter(pl.col("n") > checks.instant_share * n_kept)["hour"].to_list()
    shares = Shares(
        events=n_kept,
        viewer=max(most for _, most in told),
        items=over,
        instants=_instants(kept, hours, checks.instant_share * n_kept),
    )
    ids = rearranged(kept, by_event(parts), parts)
    repeats = sum(
        ids.map(lambda packed: count_repeats(unpack_frame(packed))).collect(),
        start=Repeats(0, 0, 0),
    )
    found = [one for one in together(odd) if (one.rows or 0) > checks.bot_share * n_kept]
    # Without events first: the rows are looked for where there is something to find.
    none = pl.DataFrame(schema=EVENT_SCHEMA)
    if repeats_at_fault(none, checks, repeats):
        found += together(_found(ids, lambda own: repeats_at_fault(own, checks, repeats)))
    if shares_at_fault(none, checks, shares):
        found += together(_found(viewers, lambda own: shares_at_fault(own, checks, shares)))
    if volumes_at_fault(none, checks, volumes):
        found += together(_found(kept, lambda own: volumes_at_fault(own, checks, volumes)))
    return found


def _found(frames: RDD[bytes], check: Callable[[pl.DataFrame], list[Finding]]) -> list[Finding]:
    return frames.flatMap(lambda packed: check(unpack_frame(packed))).collect()


def _instants(kept: RDD[bytes], hours: list[int], least: float) -> dict[int, int]:
    """The timestamps with more than so many events; they are in one of these hours."""
    found = Counter[int]()
    if hours:
        for counts in kept.map(
            lambda packed: count_instants(unpack_frame(packed), hours)
        ).collect():
            found.update(counts)
    return {when: count for when, count in found.items() if count > least}


def _kept(events: pl.DataFrame, rules: Sequence[RowRule], horizon: int) -> pl.DataFrame:
    good = events.filter(rule.holds for rule in rules) if rules else events
    return good.filter(pl.col("timestamp") <= horizon)


def _in_order(found: list[Finding], rules: Sequence[RowRule]) -> list[Finding]:
    """Those of the rules, in the order of the rules: a share meets them in its own."""
    by_text = {(one.check, one.field, one.told): one for one in found}
    told = [(rule.check, rule.field, rule.told) for rule in rules]
    return [by_text[text] for text in told if text in by_text]


def _above(found: list[Finding], check: str, most: float) -> list[Finding]:
    return [one for one in found if one.check == check and (one.rows or 0) > most]
