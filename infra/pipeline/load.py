"""A bounded load on a stage's API, held to thresholds: how soon it answers, how often it fails."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from infra.pipeline.api import Answer, Api
from infra.pipeline.closed_loop import closed_loop
from topshelf.errors import InvalidInputError

__all__ = ["MOST_REQUESTS", "MOST_SECONDS", "Load", "LoadReport", "Thresholds", "put_load"]

MOST_REQUESTS: Final = 20_000
MOST_SECONDS: Final = 240.0
"""Requests are signed before they are sent, and a signature is good for five minutes."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent.

    Attributes:
        requests: In all, those to warm up not counted.
        warm_up: Sent first and not measured.
        concurrency: At once.
        seconds: When it ends at the latest.
    """

    requests: int = 2000
    warm_up: int = 200
    concurrency: int = 4
    seconds: float = 120.0

    def __post_init__(self) -> None:
        if not 1 <= self.requests <= MOST_REQUESTS:
            raise InvalidInputError("requests", f"1 to {MOST_REQUESTS:,}, not {self.requests:,}")
        if not 0 < self.seconds <= MOST_SECONDS:
            raise InvalidInputError("seconds", f"at most {MOST_SECONDS:.0f}, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is asked of the answers.

    Attributes:
        p99_ms: 99 of 100 requests are answered in less.
        error_share: Less than this share of them fails.
    """

    p99_ms: float = 100.0
    error_share: float = 0.001


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of it.

    Attributes:
        wanted: Requests that were to be sent.
        latencies: Of those that were, in milliseconds, sorted.
        errors: How many were not answered with 200.
        seen: How many answers had each status and tier.
    """

    wanted: int
    latencies: Sequence[float]
    errors: int
    seen: Counter[str]

    def percentile(self, share: float) -> float:
        """The least latency that this share of the requests does not exceed (nearest rank)."""
        return self.latencies[max(math.ceil(share * len(self.latencies)) - 1, 0)]

    def faults(self, thresholds: Thresholds) -> list[str]:
        """Each threshold that was missed, with the figures; none where all is well."""
        sent = len(self.latencies)
        if not sent:
            return ["no request was sent"]
        found = []
        if sent < self.wanted:
            found.append(f"only {sent:,} of {self.wanted:,} requests were answered in time")
        p99, share = self.percentile(0.99), self.errors / sent
        if p99 >= thresholds.p99_ms:
            found.append(f"p99 is {p99:.1f} ms, not below {thresholds.p99_ms:g} ms")
        if share >= thresholds.error_share:
            found.append(
                f"{self.errors:,} of {sent:,} requests failed ({share:.2%}), "
                f"not below {thresholds.error_share:.2%}"
            )
        return found

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.latencies:
            p50, p99, most = (self.percentile(share) for share in (0.5, 0.99, 1.0))
            yield f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, at most {most:.1f} ms"
        yield f"{len(self.latencies):,} requests, {self.errors:,} failed"
        for name, count in sorted(self.seen.items()):
            yield f"  {name}: {count:,}"


def put_load(
    api: Api, viewers: Sequence[str], load: Load, monotonic: Callable[[], float]
) -> LoadReport:
    """Asks for the lists of viewers, one after the other and over again, as often as is wanted.

    Args:
        api: Of the stage.
        viewers: Whom the live model knows; one at least.
        load: How much.
        monotonic: Seconds, to know when to end.
    """
    ends = monotonic() + load.seconds
    paths = [f"/v1/users/{quote(viewer, safe='')}/recommendations" for viewer in viewers]

    def send(count: int) -> tuple[list[float], Counter[str]]:
        asked = [api.prepare("GET", paths[i % len(paths)]) for i in range(count)]
        return closed_loop(
            asked, load.concurrency, api.connection, _names, go_on=lambda: monotonic() < ends
        )

    send(load.warm_up)
    latencies, seen = send(load.requests)
    return LoadReport(load.requests, latencies, len(latencies) - seen["status 200"], seen)


def _names(answer: Answer) -> Iterator[str]:
    yield f"status {answer.status}" if answer.status else "no answer"
    if answer.status == 200:
        yield f"tier {answer.fields.get('tier', 'unknown')}"
