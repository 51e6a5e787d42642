"""Imports into fakes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.importers import ImportSummary, RefusedRow, Source, import_events
from tests.fakes.event_ports import FakeActivity
from tests.fakes.lake import FakeLakeWriter
from topshelf.catalog import Movie
from topshelf.events import EventPolicy, Interaction

__all__ = ["NOW", "Listed", "run"]

NOW = datetime(2026, 1, 2, 23, 30, tzinfo=UTC)


def run(
    source: Source, lake: FakeLakeWriter | None = None, activity: Any = None, **changes: Any
) -> ImportSummary:
    """Imports a source at half past eleven in the evening."""
    values: dict[str, Any] = {"clock": lambda: NOW} | changes
    return import_events(
        source, lake=lake or FakeLakeWriter(), activity=activity or FakeActivity(), **values
    )


class Listed:
    """A Source of given rows."""

    description = "given rows"

    def __init__(self, rows: Sequence[Interaction | RefusedRow]) -> None:
        self._rows = rows

    def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
        return iter(self._rows)

    def share_read(self) -> None: ...

    def movies(self) -> Iterator[Movie | RefusedRow]:
        return iter(())

    def count_users(self) -> int:
        return 0
