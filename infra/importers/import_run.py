"""One import: from a source into the lake and the activity store, with the count of every row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, Protocol

from infra.importers.activity_load import load_activity
from infra.importers.newest import NewestPerViewer
from infra.importers.packing import LinePacker, compress
from infra.importers.seen_keys import SeenKeys
from infra.importers.source import RefusedRow, Source
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import IntegrityError
from topshelf.events import DEFAULT_POLICY, EventPolicy, Interaction, dedup_key, encode_line
from topshelf.ports import ActivityStore

__all__ = ["ImportProgress", "ImportSummary", "LakeWriter", "import_events"]

ImportProgress = Callable[[Literal["rows", "activity"], int], None]
"""Called with the stage and the rows read or the activity events written so far."""

_BATCH = 4_096
_TELL = 20_000


class LakeWriter(Protocol):
    """The bucket, as an import needs it. Every method may raise UnavailableError."""

    def put_events(self, day: date, name: str, content: bytes) -> None:
        """Writes ``events/dt=<day>/<name>``, gzipped JSON lines."""

    def put_quarantine(self, day: date, name: str, content: bytes) -> None:
        """Writes ``quarantine/dt=<day>/<name>``, gzipped JSON lines."""

    def put_catalogue(self, content: bytes) -> None:
        """Replaces ``catalog/items.jsonl.gz``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """What became of a source. ``read`` is ``accepted + duplicates + quarantined``.

    Attributes:
        read: Rows of events read.
        accepted: Rows now in the lake.
        duplicates: Rows that repeat an event of this import.
        quarantined: Rows in the quarantine, with the reason.
        objects: Objects of accepted rows written.
        activity_written: Events recorded in the activity store.
        movies: Movies in the catalogue written; 0 where the source has none.
        movies_quarantined: Catalogue rows in the quarantine.
    """

    read: int
    accepted: int
    duplicates: int
    quarantined: int
    objects: int
    activity_written: int
    movies: int
    movies_quarantined: int


def import_events(
    source: Source,
    *,
    lake: LakeWriter,
    activity: ActivityStore,
    policy: EventPolicy = DEFAULT_POLICY,
    clock: Callable[[], datetime],
    progress: ImportProgress = lambda _stage, _done: None,
    mark_seen: bool = True,
) -> ImportSummary:
    """Loads a source. Doing it twice on one day changes nothing the second time.

    The order: catalogue, events and quarantine, then the newest 200 events of each viewer into
    the activity store. Memory: one object of the lake, the catalogue, the bounds of
    NewestPerViewer, and 8 bytes for each row that SeenKeys remembers, the only part that grows.

    Args:
        source: See open_source.
        lake: Takes the objects.
        activity: Takes the newest events; called from several threads.
        policy: What the deployment accepts.
        clock: The time, with a time zone; its UTC day is the day of arrival.
        progress: Told how far it is.
        mark_seen: Whether the activity's items are left out of answers from now on.

    Raises:
        InvalidInputError: A file is damaged or cannot be read.
        IntegrityError: The rows do not add up; nothing of the kind should ever happen.
        UnavailableError: The lake or the activity store does not answer; import again.
    """
    now = clock().astimezone(UTC)
    day = now.date()
    events = LinePacker(lambda name, content: lake.put_events(day, name, content))
    quarantine = LinePacker(lambda name, content: lake.put_quarantine(day, name, content))
    movies, movies_quarantined = _load_catalogue(source, lake, quarantine)
    read = quarantined = written = 0
    with NewestPerViewer() as newest:
        intake = _Intake(events, newest)
        for read, row in enumerate(source.rows(policy), start=1):
            if isinstance(row, RefusedRow):
                quarantine.add(row.encode())
                quarantined += 1
            else:
                intake.add(row)
            if read % _TELL == 0:
                progress("rows", read)
        intake.flush()
        events.flush()
        quarantine.flush()
        progress("rows", read)
        if read != intake.accepted + intake.duplicates + quarantined:
            raise IntegrityError(
                f"{read} rows were read, but {intake.accepted} accepted, {intake.duplicates} "
                f"duplicates and {quarantined} quarantined do not add up to them"
            )
        arrived_at = int(now.timestamp() * 1000)
        for written in load_activity(
            newest.viewers(), activity, arrived_at=arrived_at, mark_seen=mark_seen
        ):
            progress("activity", written)
    return ImportSummary(
        read=read,
        accepted=intake.accepted,
        duplicates=intake.duplicates,
        quarantined=quarantined,
        objects=events.objects,
        activity_written=written,
        movies=movies,
        movies_quarantined=movies_quarantined,
    )


class _Intake:
    """Good rows on their way: repeats are counted, the rest go to the lake and the keeper."""

    def __init__(self, events: LinePacker, newest: NewestPerViewer) -> None:
        self._events = events
        self._newest = newest
        self._seen = SeenKeys()
        self._waiting: list[Interaction] = []
        self.accepted = 0
        self.duplicates = 0

    def add(self, event: Interaction) -> None:
        self._waiting.append(event)
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        first_sights = self._seen.first_sights([dedup_key(event) for event in self._waiting])
        for event, is_first in zip(self._waiting, first_sights, strict=True):
            if not is_first:
                self.duplicates += 1
                continue
            line = encode_line(event)
            self._events.add(line)
            self._newest.add(event, line)
            self.accepted += 1
        self._waiting.clear()


def _load_catalogue(source: Source, lake: LakeWriter, quarantine: LinePacker) -> tuple[int, int]:
    """Writes the catalogue; of two rows with one id the later stands. Counts good and bad."""
    movies: dict[str, Movie] = {}
    refused = 0
    for row in source.movies():
        if isinstance(row, RefusedRow):
            quarantine.add(row.encode())
            refused += 1
        else:
            movies[row.item_id] = row
    if movies:
        lake.put_catalogue(compress(encode_movies(movies.values())))
    return len(movies), refused
