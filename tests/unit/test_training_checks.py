"""The training job stops at broken data before it fits anything, and tells why."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders.event_frames import NOW
from tests.fakes.model_ports import FakeCheckpoints, FakeFactorStore, FakeLake, FakeRegistry
from tests.unit.test_training_job import AT, PARAMETERS, lake_of, viewing
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction
from training import job
from training.checks import CHECK_NAMES, DEFAULT_CHECKS, DataChecks
from training.job import train


class Job:
    """A training job in memory, and what it told and wrote."""

    def __init__(self, lake: FakeLake) -> None:
        self.lake, self.store, self.kept = lake, FakeFactorStore(), FakeCheckpoints()
        self.told: list[tuple[str, int, int]] = []

    def run(self, checks: DataChecks = DEFAULT_CHECKS) -> dict[str, Any]:
        """Trains; returns what metrics.json says of the data."""
        manifest = train(
            lake=self.lake,
            artefacts=self.store,
            registry=FakeRegistry(),
            checkpoints=self.kept,
            policy=DEFAULT_POLICY,
            parameters=PARAMETERS,
            git_commit="abc",
            clock=lambda: datetime.fromtimestamp(NOW / 1000 + 31 * 86_400, UTC),
            progress=lambda *step: self.told.append(step),
            checks=checks,
        )
        found: dict[str, Any] = json.loads(self.store.read(manifest.version, "metrics.json"))[
            "data"
        ]
        return found

    def stopped(self) -> str:
        """Trains, which has to be refused; returns the reason."""
        with pytest.raises(InvalidInputError) as refused:
            self.run()
        assert self.store.files == {}
        assert self.kept.kept == {}
        assert {stage for stage, _, _ in self.told} == {"read", "check"}
        assert self.told[-1] == ("check", 0, len(CHECK_NAMES))
        return str(refused.value)


def views(n: int, user: str = "bot", timestamp: int = AT) -> list[Interaction]:
    return [
        Interaction(
            item_id=f"m{row % 50:03d}",
            event_type="view",
            timestamp=timestamp,
            user_id=user,
            event_id=f"{user}-{row}",
        )
        for row in range(n)
    ]


def test_a_machine_among_the_viewers_stops_the_job_before_any_fit() -> None:
    told = Job(lake_of(viewing() + views(700))).stopped()
    assert "bot_minute (user_id; 700 of 2,200 events)" in told
    assert '{"user_id": "bot", "item_id": "m000", "event_type": "view"' in told


def test_a_check_left_out_lets_it_through() -> None:
    bot = {"bot_minute", "viewer_share", "one_instant", "volume_hour", "volume_day"}
    counts = Job(lake_of(viewing() + views(700))).run(DataChecks(skip=frozenset(bot)))
    assert counts["events"] == 2200
    assert counts["checks"] == len(CHECK_NAMES) - 5


def test_good_data_is_counted_and_told_as_checked() -> None:
    found = Job(lake_of(viewing()))
    counts = found.run()
    assert (counts["checks"], counts["left_out_future"]) == (len(CHECK_NAMES), 0)
    assert [step for step in found.told if step[0] == "check"] == [
        ("check", 0, len(CHECK_NAMES)),
        ("check", len(CHECK_NAMES), len(CHECK_NAMES)),
    ]


def test_a_phone_with_a_wrong_clock_is_left_out() -> None:
    counts = Job(lake_of(viewing() + views(1, timestamp=NOW + 10**12))).run()
    assert (counts["lines"], counts["events"], counts["left_out_future"]) == (1501, 1500, 1)


def test_too_many_refused_lines_stop_it_and_the_objects_are_named() -> None:
    lake = lake_of(viewing())
    lake.events["events/dt=2026-01-04/bad.jsonl.gz"] = gzip.compress(b"{\n" * 80)
    told = Job(lake).stopped()
    assert "refused_lines (events): 80 of 1,580 lines are no events" in told
    assert "quarantine/dt=2026-01-04/bad.jsonl.gz: 80 lines" in told
    assert list(lake.quarantined) == ["dt=2026-01-04/bad.jsonl.gz"]


def test_events_of_other_items_than_the_catalogues_stop_it() -> None:
    lake = lake_of(viewing())
    lake.items = gzip.compress(b'{"item_id":"other","title":"T","genres":[],"year":2000}\n')
    assert "unknown_items (item_id; 1,500 of 1,500 events)" in Job(lake).stopped()


def test_the_job_takes_its_checks_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {}

    def trained(**arguments: Any) -> None:
        given.update(arguments)
        raise InvalidInputError("events", "enough of it")

    monkeypatch.setenv("TOPSHELF_BUCKET", "lake")
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", "registry")
    monkeypatch.setenv("TOPSHELF_CHECKS", "events_per_minute=900")
    monkeypatch.setenv("TOPSHELF_CHECKS_SKIP", "missing_days")
    monkeypatch.setattr(job, "create_client", lambda *_, **__: None)
    monkeypatch.setattr(job, "train", trained)
    assert job.main() == 1
    assert capsys.readouterr().err == "training failed: enough of it\n"
    wanted = DataChecks(events_per_minute=900, skip=frozenset({"missing_days"}))
    assert given["checks"] == wanted


def test_a_threshold_that_is_none_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOPSHELF_BUCKET", "lake")
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", "registry")
    monkeypatch.setenv("TOPSHELF_CHECKS", "events_a_minute=900")
    monkeypatch.setattr(job, "create_client", lambda *_, **__: None)
    monkeypatch.setattr(job, "train", lambda **_: pytest.fail("it was trained"))
    assert job.main() == 1
    assert "'events_a_minute' is no threshold" in capsys.readouterr().err
