"""What shares of the data find is told as one finding of all data."""

import polars as pl
import pytest

from tests.builders.event_frames import DAY, NOW, good_events
from topshelf.events import DEFAULT_POLICY
from training.checks import DataChecks
from training.event_repeats import count_repeats
from training.event_schema import row_rules, rows_at_fault
from training.event_volume import count_volumes, sum_of_volumes
from training.findings import Finding
from training.spark.findings import together


def told(*examples: str, rows: int, check: str = "finite_value") -> Finding:
    return Finding(
        check=check, field="event_value", told="t", remedy="r", rows=rows, examples=examples
    )


def test_rows_add_up_and_the_oldest_are_shown() -> None:
    first = told('{"timestamp": 2}', '{"timestamp": 5}', '{"timestamp": 9}', rows=7)
    second = told('{"timestamp": 1}', '{"timestamp": 4}', '{"timestamp": 10}', rows=3)
    (found,) = together([first, second])
    assert found.rows == 10
    assert found.examples == tuple(f'{{"timestamp": {when}}}' for when in (1, 2, 4, 5, 9))


def test_what_is_not_a_number_comes_after_numbers_and_what_is_missing_last() -> None:
    # By event_id, event_type and then event_value: the columns after timestamp, by name.
    rows = [
        '{"timestamp": 1}',
        '{"timestamp": 1, "event_value": NaN}',
        '{"timestamp": 1, "event_value": Infinity}',
        '{"timestamp": 1, "event_value": 0.5}',
        '{"timestamp": 1, "event_id": "e", "event_value": 0.7}',
    ]
    (found,) = together(told(row, rows=1) for row in rows)
    assert list(found.examples) == rows[::-1]


def test_different_checks_stay_apart() -> None:
    found = together([told(rows=1), told(rows=2, check="watch_fraction"), told(rows=3)])
    assert [(one.check, one.rows) for one in found] == [("finite_value", 4), ("watch_fraction", 2)]


@pytest.mark.parametrize("shares", [2, 7])
def test_broken_rows_of_shares_are_told_as_those_of_all(shares: int) -> None:
    broken = good_events().with_row_index("row")
    some = pl.col("row") % 1000 == 3
    broken = broken.with_columns(
        event_value=pl.when(some).then(float("nan")).otherwise("event_value"),
        session_id=pl.when(some).then(pl.lit("a b")).otherwise("session_id"),
    ).drop("row")
    rules = row_rules(DEFAULT_POLICY, DataChecks())
    parts = [broken.gather_every(shares, first) for first in range(shares)]
    found = together(one for part in parts for one in rows_at_fault(part, rules))
    assert {(one.check, one.field): one for one in found} == {
        (one.check, one.field): one for one in rows_at_fault(broken, rules)
    }
    assert ("id_form", "session_id") in {(one.check, one.field) for one in found}


def test_volumes_of_shares_add_up_to_those_of_all() -> None:
    events, checks = good_events(), DataChecks()
    newest = NOW - DAY
    parts = [count_volumes(events.gather_every(3, first), checks, newest) for first in range(3)]
    found, whole = sum_of_volumes(parts), count_volumes(events, checks, newest)
    assert found.events == len(events)
    assert found.hours.equals(whole.hours)
    keys = ["event_type", "recent", "day"]
    assert found.kinds.sort(keys).equals(whole.kinds.sort(keys))
    assert found.values.sort("event_type").equals(whole.values.sort("event_type"))


def test_repeats_of_events_apart_add_up() -> None:
    events = good_events().head(100).with_columns(event_id=pl.lit(None, pl.String))
    named = good_events().tail(50).with_columns(event_id=pl.lit("e"))
    twice = pl.concat([events, events])
    assert count_repeats(twice).exact == 100
    # 50 different events of one id: 49 would be lost.
    assert count_repeats(named).lost == 49
    assert count_repeats(twice) + count_repeats(named) == count_repeats(pl.concat([twice, named]))
