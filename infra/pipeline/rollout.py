"""A release of new code to a stage that serves: begun, watched, tried, and stopped in time."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from topshelf.errors import ConflictError

__all__ = ["Look", "Rollout", "Shift", "Verdict", "canary", "read_verdict", "write_verdict"]


class Shift(StrEnum):
    """How far a rollout is."""

    WAITING = "waiting"
    SHIFTING = "shifting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a rollout.

    Attributes:
        shift: How far it is; from SHIFTING on, the new code answers some requests at least.
        said: One line for people.
    """

    shift: Shift
    said: str


class Rollout(Protocol):
    """A release of new code to one stage."""

    def before(self) -> Mapping[str, str]:
        """What serves now, by name; what a roll back goes back to."""

    def begin(self) -> None:
        """Begins it; does not wait."""

    def look(self) -> Look:
        """How far it is."""

    def stop(self) -> None:
        """Ends it before its time: what served before takes all requests again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a canary has found.

    Attributes:
        passed: Whether the new code may stay.
        reason: Why not, or what was seen, for people.
        before: What served before, by name.
    """

    passed: bool
    reason: str
    before: Mapping[str, str] = field(default_factory=dict)


def canary(
    rollout: Rollout,
    tried: Callable[[], Sequence[str]],
    *,
    say: Callable[[str], None],
    wait: Callable[[], None],
    monotonic: Callable[[], float],
    seconds: float,
) -> Verdict:
    """Rolls out, and stops it when the new code does not do.

    Args:
        rollout: Of the new code.
        tried: Sends requests while new and old code answer; gives what is wrong, a line each.
        say: Told what changes.
        wait: Passes the time between two looks.
        monotonic: Seconds.
        seconds: When it is stopped at the latest.

    Raises:
        BaseException: What ended it; it was stopped before.
    """
    before = rollout.before()
    ends = monotonic() + seconds
    try:
        rollout.begin()
        verdict = _watched(rollout, tried, say=say, wait=wait, late=lambda: monotonic() > ends)
    except BaseException as error:
        say(f"stopped: {str(error) or type(error).__name__}")
        rollout.stop()
        raise
    if not verdict.passed:
        say(f"stopped: {verdict.reason}")
        rollout.stop()
    return Verdict(verdict.passed, verdict.reason, before)


def _watched(
    rollout: Rollout,
    tried: Callable[[], Sequence[str]],
    *,
    say: Callable[[str], None],
    wait: Callable[[], None],
    late: Callable[[], bool],
) -> Verdict:
    last, is_tried = "", False
    while True:
        seen = rollout.look()
        if seen.said != last:
            say(seen.said)
            last = seen.said
        if seen.shift is Shift.FAILED:
            return Verdict(False, seen.said)
        if seen.shift is not Shift.WAITING and not is_tried:
            is_tried = True
            if faults := tried():
                return Verdict(False, "; ".join(faults))
            continue  # trying takes its time: look again before it is called done
        if seen.shift is Shift.DONE:
            return Verdict(True, seen.said)
        if late():
            return Verdict(False, f"it is not done in time ({seen.said})")
        wait()


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Notes a verdict for the stage that decides by it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(verdict), indent=2) + "\n", "utf-8")


def read_verdict(path: Path) -> Verdict | None:
    """The verdict that was noted last; None before the first.

    Raises:
        ConflictError: It cannot be read.
    """
    try:
        return Verdict(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise ConflictError(f"{path} cannot be read ({error}); run `make canary` again") from error
