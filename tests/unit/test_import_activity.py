"""What an import leaves in the activity store: the newest events of each viewer."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.builders.imports import Listed, run
from tests.builders.interactions import NOON, interaction
from tests.fakes.event_ports import FakeActivity
from topshelf.errors import UnavailableError
from topshelf.events import Interaction


def test_seen_items_are_left_alone_on_request() -> None:
    activity = FakeActivity()
    run(Listed([interaction()]), activity=activity, mark_seen=False)
    assert activity.newest("u1") == [interaction()]
    assert not activity.seen


def test_only_the_newest_200_go_to_the_activity_store() -> None:
    events = [interaction("u1", event_id=f"e{n:04d}", timestamp=NOON + n) for n in range(950)]
    activity = FakeActivity()
    summary = run(Listed([*events[500:], *events[:500], interaction("u2")]), activity=activity)
    assert summary.accepted == 951
    assert summary.activity_written == 201
    assert activity.newest("u1", 1000) == events[:-201:-1]


def test_many_viewers_are_written_by_several_threads() -> None:
    events = [interaction(f"u{n % 1500}", event_id=f"e{n}") for n in range(9_000)]
    activity = FakeActivity()
    told: list[int] = []
    summary = run(
        Listed(events),
        activity=activity,
        progress=lambda stage, done, _share: told.append(done) if stage == "activity" else None,
    )
    assert summary.activity_written == 9_000
    assert sum(map(len, activity.events.values())) == 9_000
    assert told == sorted(told)
    assert told[-1] == 9_000


def test_a_failing_activity_store_ends_the_import() -> None:
    class Failing(FakeActivity):
        calls = 0

        def record(self, events: Sequence[Interaction], **_: Any) -> None:
            self.calls += 1
            raise UnavailableError("throttled")

    activity = Failing()
    events = [interaction(f"u{n}") for n in range(20_000)]
    with pytest.raises(UnavailableError, match="throttled"):
        run(Listed(events), activity=activity)
    assert activity.calls < 20
