import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.simulator import SimulatorOptions, interactions
from tests.benchmarks.quality import load_movielens
from tests.builders.broken_events import BROKEN
from tests.builders.event_frames import (
    CATALOGUE,
    DAY,
    HOUR,
    NOW,
    Broken,
    Row,
    added,
    good_events,
)
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY
from training.checks import (
    CHECK_NAMES,
    DEFAULT_CHECKS,
    CheckedEvents,
    DataChecks,
    check_events,
    check_refused,
)
from training.lake import EVENT_SCHEMA, frame_of

DATA = Path(__file__).parents[3] / "shared/data"
_HEAD = re.compile(r"^  (\w+) \((\w+)(?:; ([\d,]+) of ([\d,]+) events)?\): (.+)$")


def check(
    events: pl.DataFrame, checks: DataChecks = DEFAULT_CHECKS, known: frozenset[str] = frozenset()
) -> CheckedEvents:
    return check_events(events, checks, policy=DEFAULT_POLICY, now=NOW, known_items=known)


class Told:
    """What the error says, taken apart."""

    def __init__(self, error: InvalidInputError) -> None:
        self.text = str(error)
        self.checks: list[tuple[str, str]] = []
        self.rows: list[int] = []
        self.examples: list[list[str]] = []
        for line in self.text.splitlines()[1:]:
            if head := _HEAD.match(line):
                self.checks.append((head[1], head[2]))
                self.rows.append(int((head[3] or "-1").replace(",", "")))
                self.examples.append([])
            elif line.startswith("    {"):
                self.examples[-1].append(line.strip())

    def first(self) -> list[Row]:
        return [json.loads(example) for example in self.examples[0]]


def refusal(events: pl.DataFrame, **how: object) -> Told:
    with pytest.raises(InvalidInputError) as refused:
        check(events, **how)  # type: ignore[arg-type]
    return Told(refused.value)


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.name)
def test_broken_data_is_stopped_and_its_rows_are_shown(kind: Broken) -> None:
    events = kind.plant(good_events())
    with pytest.raises(InvalidInputError) as refused:
        check(events, known=kind.known)
    told = Told(refused.value)
    assert tuple(told.checks) == kind.checks
    fields = {field for _, field in kind.checks}
    assert refused.value.field == (fields.pop() if len(fields) == 1 else "events")
    if kind.rows is not None:
        assert told.rows[0] == kind.rows
    shown = told.first()
    assert len(shown) == min(5, told.rows[0])
    assert all(kind.shown(row) for row in shown), shown
    assert told.text.isascii()
    assert all(line.isprintable() for line in told.text.splitlines())
    assert told.text.count("what to do: ") == len(kind.checks)


def test_there_are_more_than_twenty_kinds_and_every_check_has_one() -> None:
    planted = {check for kind in BROKEN for check, _ in kind.checks}
    assert len(BROKEN) > 20
    assert planted | {"refused_lines"} == set(CHECK_NAMES)


@settings(deadline=None, max_examples=40)
@given(kind=st.sampled_from(BROKEN), seed=st.integers(0, 2**32), parts=st.integers(1, 4))
def test_the_order_of_the_rows_changes_nothing(kind: Broken, seed: int, parts: int) -> None:
    events = kind.plant(good_events())
    shuffled = events.sample(fraction=1, shuffle=True, seed=seed)
    pieces = pl.concat([shuffled[start::parts] for start in range(parts)], rechunk=False)
    assert refusal(pieces, known=kind.known).text == refusal(events, known=kind.known).text


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_good_data_is_good_in_any_order(seed: int) -> None:
    shuffled = good_events().sample(fraction=1, shuffle=True, seed=seed)
    assert check(shuffled, known=CATALOGUE).events.equals(shuffled)


@pytest.mark.parametrize(
    ("viewers", "movies", "events"), [(100, 200, 2_000), (20_000, 2_000, 200_000)]
)
def test_built_in_viewers_pass(viewers: int, movies: int, events: int) -> None:
    made = interactions(SimulatorOptions(viewers=viewers, movies=movies, interactions=events))
    found = check(frame_of(list(made)))
    assert found.counts == {"checks": len(CHECK_NAMES), "left_out_future": 0}


@pytest.mark.data
def test_movielens_passes() -> None:
    folder = DATA / "ml-latest-small"
    if not folder.exists():
        pytest.skip("MovieLens latest-small is not beside the repository")
    assert len(check(load_movielens(folder)).events) == 100_836


@pytest.mark.data
def test_movielens_100k_passes() -> None:
    file = DATA / "ml100k.npz"
    if not file.exists():
        pytest.skip("MovieLens 100K is not beside the repository")
    with np.load(file, allow_pickle=False) as held:
        rows = {name: held[name] for name in held.files}
    n = len(rows["user"])
    events = pl.DataFrame(
        {
            "user_id": rows["user"].astype(np.str_).tolist(),
            "session_id": [None] * n,
            "item_id": rows["item"].astype(np.str_).tolist(),
            "event_type": ["rating"] * n,
            "event_value": rows["rating"].astype(np.float64),
            "timestamp": rows["ts"] * 1000,
            "event_id": [None] * n,
        },
        schema=EVENT_SCHEMA,
    )
    assert len(check(events).events) == 100_000


def test_every_failed_check_is_told_at_once() -> None:
    events = good_events()
    for kind in BROKEN:
        if kind.name in {"ratings out of ten", "everything twice", "a viewer who never sleeps"}:
            events = kind.plant(events)
    told = refusal(events)
    assert [name for name, _ in told.checks] == ["rating_scale", "duplicates", "bot_sleepless"]
    assert told.text.startswith("3 data checks failed; nothing was trained\n")


def test_a_skipped_check_stops_nothing() -> None:
    for kind in BROKEN:
        if kind.checks[0][0] != "columns":
            skip = frozenset(name for name, _ in kind.checks)
            assert check(kind.plant(good_events()), DataChecks(skip=skip), kind.known)


def test_few_clocks_ahead_stop_nothing_and_are_left_out() -> None:
    # 30 of 30,000 are tolerated; one more is not.
    late = added(31, user_id=[f"v{row}" for row in range(31)], timestamp=NOW + DAY + 1)
    found = check(pl.concat([good_events()[: 30_000 - 30], late[:30]]))
    assert found.counts["left_out_future"] == 30
    assert found.events["timestamp"].max() <= NOW + DAY  # type: ignore[operator]
    assert refusal(pl.concat([good_events()[: 30_000 - 31], late])).rows == [31]


def test_one_odd_viewer_among_many_stops_nobodys_training() -> None:
    # A share of .001 of 31,200 is 31 events; the machine has 1,200 of them.
    machine = added(1200, timestamp=np.linspace(NOW - DAY, NOW - DAY + 50_000, 1200).astype(int))
    events = pl.concat([good_events(), machine])
    assert refusal(events).checks == [("bot_minute", "user_id")]
    assert check(events, DataChecks(bot_share=1200 / 31_200))
    assert refusal(events, checks=DataChecks(bot_share=1199 / 31_200)).rows == [1200]


@pytest.mark.parametrize(("per_minute", "stopped"), [(600, False), (601, True)])
def test_a_bound_is_the_most_that_passes(per_minute: int, stopped: bool) -> None:
    machine = added(per_minute, timestamp=NOW - DAY)
    events = pl.concat([good_events(), machine])
    if stopped:
        assert refusal(events).rows == [601]
    else:
        assert check(events)


def test_an_old_import_and_a_young_platform_have_nothing_in_common() -> None:
    """A year between two busy ages is no missing stretch, and the second is no flood."""
    years = good_events().with_columns(pl.col("timestamp") - 400 * DAY)
    young = good_events(8).filter(pl.col("timestamp") > NOW - 5 * DAY)
    assert check(pl.concat([years, young]))


def test_what_came_in_one_burst_has_not_stopped_coming() -> None:
    rated = pl.col("event_type") == "rating"
    burst = good_events().filter(~rated | (pl.col("timestamp") // DAY == NOW // DAY - 20))
    few = pl.concat(
        [
            burst,
            added(
                1000,
                event_type="rating",
                event_value=[1.0, 5.0] * 500,
                user_id=[f"v{row}" for row in range(1000)],
                timestamp=NOW - 20 * DAY,
            ),
        ]
    )
    assert check(few)


def test_too_few_events_have_no_shares() -> None:
    assert check(added(999, timestamp=[NOW - row * HOUR for row in range(999)]))


def test_an_empty_lake_is_not_broken() -> None:
    assert check(good_events().clear()).events.is_empty()


def test_lines_refused_beyond_the_bound_name_the_objects_that_hold_them() -> None:
    objects = {f"quarantine/dt=2026-01-0{day}/a.jsonl.gz": day for day in range(1, 9)}
    assert check_refused(720, objects, DEFAULT_CHECKS) == []  # 36 of 720 are 5%
    (found,) = check_refused(719, objects, DEFAULT_CHECKS)
    assert (found.check, found.field) == ("refused_lines", "events")
    assert found.told.startswith("36 of 719 lines")
    assert found.examples[0] == "quarantine/dt=2026-01-08/a.jsonl.gz: 8 lines"
    assert len(found.examples) == 5
    skipping = DataChecks(skip=frozenset({"refused_lines"}))
    assert check_refused(719, objects, skipping) == []
