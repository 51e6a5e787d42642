"""Reading the lake: every line checked, what is refused kept in quarantine.

Objects are fetched with the S3 client and not through Polars' own S3 reader for two reasons: the
manifest names each object by ETag, so exactly the bytes that were listed must be read; and Polars'
JSON readers fail on a bad line or drop it, where here its number and its text go to quarantine:
they read what is surely an interaction alone (see training.event_blocks).
"""

import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from typing import Protocol

import polars as pl

from topshelf.aws.lake_bucket import LakeObject
from topshelf.events import EventPolicy, Interaction, Refusal, parse_line
from training.event_blocks import LONGEST_LINE, blocks_of, sure_lines
from training.exposures import SHOWN_SCHEMA, shown_by, shown_in
from training.id_columns import ITEM_IDS, USER_IDS

__all__ = ["EVENT_SCHEMA", "EventLake", "LakeReading", "Progress", "frame_of", "read_lake"]

EVENT_SCHEMA: dict[str, pl.DataType] = {
    "user_id": USER_IDS,
    "session_id": pl.String(),
    "item_id": ITEM_IDS,
    "event_type": pl.Categorical(pl.Categories("topshelf.event_type", physical=pl.UInt16)),
    "event_value": pl.Float64(),
    "timestamp": pl.Int64(),
    "event_id": pl.String(),
}
"""Columns of an event frame: what training needs of an interaction."""

_EVENT_KEY = re.compile(r"events/(dt=\d{4}-\d{2}-\d{2}/.+\.jsonl\.gz)")
_KEPT_OF_LINE = 2000
_AT_ONCE = 8
_WORKERS = 4


class EventLake(Protocol):
    """What the training job needs of the lake; see topshelf.aws.lake_bucket.LakeBucket."""

    def objects(self) -> list[LakeObject]:
        """All objects below ``events/``, sorted by key."""

    def read(self, entry: LakeObject) -> bytes:
        """An object's bytes, exactly those that were listed."""

    def quarantine(self, name: str, content: bytes) -> None:
        """Writes ``quarantine/<name>``."""

    def catalogue(self) -> bytes | None:
        """The gzipped catalogue; None where there is none."""


class Progress(Protocol):
    """How far the job is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Called as a stage proceeds; ``done`` reaches ``total`` at its end."""


@dataclass(frozen=True, slots=True)
class LakeReading:
    """What was read.

    Attributes:
        events: Columns as in EVENT_SCHEMA, one row an accepted line.
        objects: ETag of each object read, by key.
        counts: ``objects``, ``lines``, ``quarantined`` lines and ``ignored_objects`` (those that
            are not ``events/dt=<day>/*.jsonl.gz``).
        refused: Quarantined lines by the key of the quarantine object that has them.
        shown: What the events showed, columns of training.exposures.SHOWN_SCHEMA; empty where
            nobody asked for it.
    """

    events: pl.DataFrame
    objects: dict[str, str]
    counts: dict[str, int]
    refused: dict[str, int] = field(default_factory=dict)
    shown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHOWN_SCHEMA))


def read_lake(
    lake: EventLake, policy: EventPolicy, progress: Progress, *, shown: bool = False
) -> LakeReading:
    """Reads every event of the lake.

    A line that is no interaction is written to ``quarantine/dt=<day>/`` under its object's name,
    with the object, the line number, the field and the reason. An object that cannot be unpacked
    ends in one such line. Neither stops the job. Blank lines are nothing.

    Args:
        lake: Where the events are.
        policy: What this deployment accepts.
        progress: Told after each few objects.
        shown: Whether impressions are kept: a hundred of an event may be.

    Raises:
        ConflictError: An object was overwritten while it was read.
        UnavailableError: The store does not answer.
    """
    listed = lake.objects()
    wanted = [entry for entry in listed if _EVENT_KEY.fullmatch(entry.key)]
    counts = Counter(lines=0, quarantined=0)
    quarantined: dict[str, int] = {}
    frames = [pl.DataFrame(schema=EVENT_SCHEMA)]
    exposed = [pl.DataFrame(schema=SHOWN_SCHEMA)]
    progress("read", 0, len(wanted))
    done = 0

    def checked(entry: LakeObject) -> _Checked:
        return _checked(entry.key, lake.read(entry), policy, shown=shown)

    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        # A few at a time: fetching ahead without bound would hold the whole lake in memory.
        for entries in batched(wanted, _AT_ONCE, strict=False):
            for entry, found in zip(entries, pool.map(checked, entries), strict=True):
                frames.append(found.events)
                exposed.append(found.shown)
                counts["lines"] += found.lines
                if found.refused:
                    counts["quarantined"] += len(found.refused)
                    name = entry.key.removeprefix("events/")
                    lake.quarantine(name, gzip.compress(b"".join(found.refused), mtime=0))
                    quarantined[f"quarantine/{name}"] = len(found.refused)
            done += len(entries)
            progress("read", done, len(wanted))
    return LakeReading(
        events=pl.concat(frames),
        objects={entry.key: entry.etag for entry in wanted},
        counts={
            "objects": len(wanted),
            "ignored_objects": len(listed) - len(wanted),
            **counts,
        },
        refused=quarantined,
        shown=pl.concat(exposed),
    )


def frame_of(events: list[Interaction]) -> pl.DataFrame:
    """The events as a frame with the columns of EVENT_SCHEMA."""
    columns = {name: [getattr(event, name) for event in events] for name in EVENT_SCHEMA}
    return pl.DataFrame(columns, schema=EVENT_SCHEMA)


@dataclass(frozen=True, slots=True)
class _Checked:
    """An object's events, what they showed, refused lines as quarantine has them, and all lines."""

    events: pl.DataFrame
    shown: pl.DataFrame
    refused: list[bytes]
    lines: int


def _checked(key: str, packed: bytes, policy: EventPolicy, *, shown: bool) -> _Checked:
    frames = [pl.DataFrame(schema=EVENT_SCHEMA)]
    exposed = [pl.DataFrame(schema=SHOWN_SCHEMA)]
    refused: list[bytes] = []
    before = told = 0
    for block in blocks_of(packed):
        if isinstance(block, Refusal):
            refused.append(_quarantine_line(key, before + 1, block, b""))
            told += 1
            continue
        found = sure_lines(block, policy)
        told += len(found.events)
        frame = found.events.select("line", *EVENT_SCHEMA)
        frame = frame.cast(EVENT_SCHEMA)  # type: ignore[arg-type]  # names are names of columns
        accepted: dict[int, Interaction] = {}
        for place, line in _one_by_one(block, found.unsure):
            told += 1
            event = parse_line(line, policy)
            if isinstance(event, Interaction):
                accepted[place] = event
            else:
                text = line[:_KEPT_OF_LINE]
                refused.append(_quarantine_line(key, before + place + 1, event, text))
        if accepted:
            places = pl.Series("line", list(accepted), dtype=pl.UInt32)
            others = frame_of(list(accepted.values())).insert_column(0, places)
            frame = pl.concat([frame, others]).sort("line")
        frames.append(frame.drop("line"))
        if shown:
            exposed += [shown_in(found.events), shown_by(list(accepted.values()))]
        before += found.lines
    return _Checked(_compact(pl.concat(frames)), pl.concat(exposed), refused, told)


def _compact(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows without what is left of their reading: buffers half full, text left out.

    In one piece each: of columns in different pieces, Polars would make whole copies.
    """
    whole = frame.rechunk()
    stream = io.BytesIO()
    plain = whole.select(pl.exclude(pl.Categorical))
    plain.write_ipc(stream, compression="lz4", record_batch_size=max(len(plain), 1))
    return whole.with_columns(pl.read_ipc(stream.getvalue()))


def _one_by_one(block: bytes, places: list[int]) -> Iterator[tuple[int, bytes]]:
    """The lines at the places, with their ends, without blank ones, none above LONGEST_LINE."""
    if not places:
        return
    lines = block.split(b"\n")
    for place in places:
        end = b"\n" if place < len(lines) - 1 else b""
        line = (lines[place] + end)[:LONGEST_LINE]
        if not line.isspace():
            yield place, line


def _quarantine_line(key: str, number: int, refusal: Refusal, text: bytes) -> bytes:
    row = {
        "object": key,
        "line": number,
        "field": refusal.field,
        "reason": refusal.detail,
        "text": text.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(row).encode() + b"\n"
