"""One import: from a source into the lake and the activity store, with the count of every row."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from struct import Struct
from tempfile import gettempdir
from typing import Literal, Protocol

from infra.importers.activity_load import load_activity
from infra.importers.first_of_each import FirstOfEach
from infra.importers.newest import NewestPerViewer
from infra.importers.packing import LinePacker, compress
from infra.importers.refused import Refused
from infra.importers.source import RefusedRow, Source
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import IntegrityError, UnavailableError
from topshelf.events import DEFAULT_POLICY, EventPolicy, Interaction, dedup_key, encode_line
from topshelf.ports import ActivityStore

__all__ = ["ImportProgress", "ImportSummary", "LakeWriter", "import_events"]

ImportProgress = Callable[[Literal["rows", "lake", "activity"], int, float | None], None]
"""Called with the stage, the rows read, accepted, or recorded as activity so far, and the part of
the stage that is done, 0..1, or None where nobody knows."""

_TELL = 20_000
_HEAD = Struct("<QH")  # time, length of the viewer's id


class LakeWriter(Protocol):
    """The bucket, as an import needs it. Every method may raise UnavailableError."""

    def first_day(self, content: str, day: date) -> date:
        """The day on which an import of this content was first begun; notes ``day`` if it is new.

        Args:
            content: Hash of what is imported.
            day: Today.
        """

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
        users: Rows on viewers themselves: read and counted, used for nothing.
    """

    read: int
    accepted: int
    duplicates: int
    quarantined: int
    objects: int
    activity_written: int
    movies: int
    movies_quarantined: int
    users: int = 0


def import_events(
    source: Source,
    *,
    lake: LakeWriter,
    activity: ActivityStore,
    policy: EventPolicy = DEFAULT_POLICY,
    clock: Callable[[], datetime],
    progress: ImportProgress = lambda _stage, _done, _share: None,
    mark_seen: bool = True,
) -> ImportSummary:
    """Loads a source. Doing it again changes nothing, after an interruption and on another day too.

    The order: the catalogue; all rows are read; the bad ones go to the quarantine, those that
    repeat none before them to the lake, and the newest 200 of each viewer into the activity
    store. Nothing is in the lake before all is read, and the same content always goes to the day
    on which it was first begun, in objects named by their content.

    Memory does not grow with the rows: one object of the lake and one of the quarantine, the
    catalogue, and the bounds of FirstOfEach and NewestPerViewer.

    Args:
        source: See open_source.
        lake: Takes the objects.
        activity: Takes the newest events; called from several threads.
        policy: What the deployment accepts.
        clock: The time, with a time zone; its UTC day is the day of arrival, the first time.
        progress: Told how far it is.
        mark_seen: Whether the activity's items are left out of answers from now on.

    Raises:
        InvalidInputError: A file is damaged or cannot be read.
        IntegrityError: The rows do not add up; nothing of the kind should ever happen.
        UnavailableError: The lake or the activity store does not answer, or the disk for temporary
            files is full; import again.
    """
    now = clock().astimezone(UTC)
    read = accepted = written = 0
    with (
        _full_disk_told(),
        FirstOfEach() as first,
        NewestPerViewer() as newest,
        Refused() as refused,
    ):
        movies = _load_catalogue(source, lake, refused)
        movies_quarantined = refused.rows
        intake = _Intake(first)
        for read, row in enumerate(source.rows(policy), start=1):
            if isinstance(row, RefusedRow):
                refused.add(row)
            else:
                intake.add(row)
            if read % _TELL == 0:
                progress("rows", read, source.share_read())
        progress("rows", read, 1.0)
        quarantined = refused.rows - movies_quarantined
        day = now.date()
        if read or refused.rows:
            day = lake.first_day(f"{intake.content}{refused.content}", day)
        refused.pack(LinePacker(lambda name, content: lake.put_quarantine(day, name, content)))
        events = LinePacker(lambda name, content: lake.put_events(day, name, content))
        for accepted, (user_id, timestamp, line) in enumerate(intake.firsts(), start=1):
            events.add(line)
            newest.add(user_id, timestamp, line)
            if accepted % _TELL == 0:
                progress("lake", accepted, accepted / (read - quarantined - first.repeats))
        events.flush()
        progress("lake", accepted, 1.0)
        if read != accepted + first.repeats + quarantined:
            raise IntegrityError(
                f"{read} rows were read, but {accepted} accepted, {first.repeats} duplicates "
                f"and {quarantined} quarantined do not add up to them"
            )
        arrived_at = int(now.timestamp() * 1000)
        for written in load_activity(
            newest.viewers(), activity, arrived_at=arrived_at, mark_seen=mark_seen
        ):
            progress("activity", written, newest.share_given())
        progress("activity", written, 1.0)
    return ImportSummary(
        read=read,
        accepted=accepted,
        duplicates=first.repeats,
        quarantined=quarantined,
        objects=events.objects,
        activity_written=written,
        movies=movies,
        movies_quarantined=movies_quarantined,
        users=source.count_users(),
    )


class _Intake:
    """Good rows on their way, until it is known which of them repeat others."""

    def __init__(self, first: FirstOfEach) -> None:
        self._first = first
        self._hash = blake2b(digest_size=16)

    @property
    def content(self) -> str:
        """Hash of all rows so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def add(self, event: Interaction) -> None:
        owner = (event.user_id or "").encode()
        line = encode_line(event)
        self._hash.update(line)
        row = _HEAD.pack(event.timestamp, len(owner)) + owner + line
        self._first.add(dedup_key(event), row)

    def firsts(self) -> Iterator[tuple[str | None, int, bytes]]:
        """Viewer, time and line of each event that repeats none before it."""
        for row in self._first.rows():
            timestamp, size = _HEAD.unpack_from(row)
            end = _HEAD.size + size
            yield row[_HEAD.size : end].decode() or None, timestamp, row[end:]


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise UnavailableError(
            f"there is no room for temporary files in {gettempdir()}; name another folder with "
            "TMPDIR and import again, nothing is stored twice"
        ) from error


def _load_catalogue(source: Source, lake: LakeWriter, refused: Refused) -> int:
    """Writes the catalogue; of two rows with one id the later stands. Counts the movies."""
    movies: dict[str, Movie] = {}
    for row in source.movies():
        if isinstance(row, RefusedRow):
            refused.add(row)
        else:
            movies[row.item_id] = row
    if movies:
        lake.put_catalogue(compress(encode_movies(movies.values())))
    return len(movies)
