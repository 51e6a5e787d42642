"""A canary stops what does not do, and its verdict decides what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.pipeline.rollout import Look, Shift, Verdict, canary, read_verdict, write_verdict
from topshelf.errors import ConflictError

BEFORE = {"recommend": "7"}
WAITING, SHIFTING = Look(Shift.WAITING, "made"), Look(Shift.SHIFTING, "10%")
DONE, FAILED = Look(Shift.DONE, "100%"), Look(Shift.FAILED, "in alarm: Errors")


@dataclass
class Scripted:
    """A rollout that goes as a test says."""

    looks: list[Look]
    did: list[str] = field(default_factory=list)

    def before(self) -> Mapping[str, str]:
        return BEFORE

    def begin(self) -> None:
        self.did.append("begin")

    def look(self) -> Look:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def stop(self) -> None:
        self.did.append("stop")

    def tried(self, *faults: str) -> list[str]:
        self.did.append("tried")
        return list(faults)


def run(rollout: Scripted, *faults: str, seconds: float = 100) -> tuple[Verdict, list[str]]:
    said: list[str] = []
    clock = [0.0]

    def wait() -> None:
        clock[0] += 10

    verdict = canary(
        rollout,
        lambda: rollout.tried(*faults),
        say=said.append,
        wait=wait,
        monotonic=lambda: clock[0],
        seconds=seconds,
    )
    return verdict, said


def test_a_good_release_is_tried_while_both_answer_and_then_passes() -> None:
    rollout = Scripted([WAITING, WAITING, SHIFTING, SHIFTING, DONE])
    verdict, said = run(rollout)
    assert verdict == Verdict(True, "100%", BEFORE)
    assert rollout.did == ["begin", "tried"]
    assert said == ["made", "10%", "100%"]


def test_one_that_is_there_at_once_is_tried_before_it_passes() -> None:
    rollout = Scripted([DONE])
    assert run(rollout)[0].passed
    assert rollout.did == ["begin", "tried"]


def test_one_that_answers_badly_is_stopped() -> None:
    rollout = Scripted([SHIFTING, DONE])
    verdict, said = run(rollout, "3 of 300 requests failed", "p99 is 120 ms")
    assert verdict == Verdict(False, "3 of 300 requests failed; p99 is 120 ms", BEFORE)
    assert rollout.did == ["begin", "tried", "stop"]
    assert said[-1] == "stopped: 3 of 300 requests failed; p99 is 120 ms"


def test_an_alarm_stops_it_before_or_after_it_was_tried() -> None:
    early, late = Scripted([WAITING, FAILED]), Scripted([SHIFTING, FAILED])
    assert run(early)[0] == run(late)[0] == Verdict(False, "in alarm: Errors", BEFORE)
    assert early.did == ["begin", "stop"]
    assert late.did == ["begin", "tried", "stop"]


def test_one_that_does_not_come_to_an_end_is_stopped() -> None:
    rollout = Scripted([SHIFTING])
    verdict, _ = run(rollout, seconds=25)
    assert verdict.reason == "it is not done in time (10%)"
    assert rollout.did == ["begin", "tried", "stop"]


def test_who_gives_up_leaves_what_was_there_before() -> None:
    class Broken(Scripted):
        def tried(self, *faults: str) -> list[str]:
            raise KeyboardInterrupt

    rollout = Broken([SHIFTING])
    with pytest.raises(KeyboardInterrupt):
        run(rollout)
    assert rollout.did == ["begin", "stop"]


def test_a_verdict_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "production" / "canary.json"
    assert read_verdict(path) is None
    for verdict in (Verdict(True, "100%"), Verdict(False, "in alarm", BEFORE)):
        write_verdict(path, verdict)
        assert read_verdict(path) == verdict
    path.write_text("{")
    with pytest.raises(ConflictError, match="run `make canary` again"):
        read_verdict(path)
