"""Fakes of the ports that take events in: what they keep is there to look at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from topshelf.errors import UnavailableError
from topshelf.events import Interaction, activity_sort_key
from topshelf.ports import Origin


class FakeLog:
    """InteractionLog: the requests' events, one list a request."""

    def __init__(self) -> None:
        self.requests: list[list[Interaction]] = []
        self.down = False

    def append(self, events: Sequence[Interaction]) -> None:
        if self.down:
            raise UnavailableError("the fake log is down")
        self.requests.append(list(events))


class FakeActivity:
    """ActivityStore: events by viewer and key, seen items by viewer and day."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Interaction]] = defaultdict(dict)
        self.origins: dict[tuple[str, str], Origin] = {}
        self.seen: dict[tuple[str, date], set[str]] = defaultdict(set)

    def record(
        self,
        events: Sequence[Interaction],
        *,
        arrived_at: int,
        origin: Origin = "live",
        mark_seen: bool = True,
    ) -> None:
        day = datetime.fromtimestamp(arrived_at / 1000, UTC).date()
        for event in events:
            if event.user_id is None:
                continue
            key = activity_sort_key(event)
            self.events[event.user_id][key] = event
            self.origins[event.user_id, key] = origin
            if mark_seen:
                self.seen[event.user_id, day].add(event.item_id)

    def newest(self, user_id: str, limit: int = 200) -> list[Interaction]:
        kept = self.events.get(user_id, {})
        return [kept[key] for key in sorted(kept, reverse=True)[:limit]]


class FakeMetrics:
    """MetricSink: the lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, tuple[str, float]], dict[str, object]]] = []

    def emit(
        self,
        slot: str,
        metrics: Mapping[str, tuple[str, float]],
        details: Mapping[str, object],
    ) -> None:
        self.lines.append((slot, dict(metrics), dict(details)))
