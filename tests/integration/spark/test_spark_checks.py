"""Broken data stops the job on Spark as it stops the single machine: with the same text."""

import polars as pl
import pytest
from pyspark import SparkContext

from tests.builders.broken_events import BROKEN
from tests.builders.event_frames import CATALOGUE, DAY, NOW, Broken, good_events
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY
from training.checks import CheckedEvents, DataChecks, check_events
from training.spark.checking import CheckedShares, check_shared
from training.spark.frames import pack_frame, unpack_frame

# A session, and ten small jobs for each kind of broken data.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STOPPED = [kind for kind in BROKEN if kind.checks[0][0] != "columns"]
ALL_TOGETHER = [
    "everything twice",
    "a viewer who walks the catalogue",
    "one viewer for everybody",
]


def on_spark(
    context: SparkContext,
    events: pl.DataFrame,
    shares: int,
    *,
    known: frozenset[str] = frozenset(),
    checks: DataChecks | None = None,
) -> CheckedShares:
    dealt = [pack_frame(events.gather_every(shares, first)) for first in range(shares)]
    return check_shared(
        context.parallelize(dealt, shares),
        checks or DataChecks(),
        policy=DEFAULT_POLICY,
        now=NOW,
        known_items=known,
        earlier=[],
        parts=shares,
    )


def on_one_machine(
    events: pl.DataFrame, known: frozenset[str] = frozenset(), checks: DataChecks | None = None
) -> CheckedEvents:
    return check_events(
        events, checks or DataChecks(), policy=DEFAULT_POLICY, now=NOW, known_items=known
    )


def refused(context: SparkContext, kind: Broken, shares: int) -> tuple[str, str]:
    """What each of the two says."""
    events = kind.plant(good_events())
    with pytest.raises(InvalidInputError) as own:
        on_spark(context, events, shares, known=kind.known)
    with pytest.raises(InvalidInputError) as other:
        on_one_machine(events, kind.known)
    assert own.value.field == other.value.field
    return str(own.value), str(other.value)


@pytest.mark.parametrize("kind", STOPPED, ids=lambda kind: kind.name)
def test_broken_data_is_told_as_on_one_machine(context: SparkContext, kind: Broken) -> None:
    own, other = refused(context, kind, shares=3)
    assert own == other


@pytest.mark.parametrize("shares", [1, 5])
@pytest.mark.parametrize("name", ALL_TOGETHER)
def test_the_number_of_shares_changes_nothing(
    context: SparkContext, name: str, shares: int
) -> None:
    (kind,) = (kind for kind in BROKEN if kind.name == name)
    own, other = refused(context, kind, shares)
    assert own == other


def test_good_data_passes_and_few_events_ahead_of_the_clock_are_left_out(
    context: SparkContext,
) -> None:
    events = good_events().with_row_index("row")
    late = pl.col("row") < 10
    events = events.with_columns(
        timestamp=pl.when(late).then(NOW + 3 * DAY).otherwise("timestamp")
    ).drop("row")
    checked = on_spark(context, events, 3, known=CATALOGUE)
    single = on_one_machine(events, CATALOGUE)
    assert checked.counts == single.counts
    assert checked.counts["left_out_future"] == 10
    frames = [unpack_frame(packed) for packed in checked.sessions.collect()]
    found, kept = pl.concat(frames), single.events
    order = ["timestamp", "user_id", "item_id", "event_type", "session_id", "event_id"]
    assert found.select(kept.columns).sort(order).equals(kept.sort(order))


def test_a_check_that_is_skipped_stops_nothing(context: SparkContext) -> None:
    events = good_events()
    twice = pl.concat([events, events])
    checks = DataChecks(skip=frozenset({"duplicates"}))
    assert on_spark(context, twice, 2, checks=checks).counts == {"checks": 27, "left_out_future": 0}
