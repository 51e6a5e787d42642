"""Reading the lake: every line checked, what is refused kept in quarantine.

Objects are fetched with the S3 client and not through Polars' own S3 reader for two reasons: the
manifest names each object by ETag, so exactly the bytes that were listed must be read; and Polars'
JSON readers fail on a bad line or drop it, where here its number and its text go to quarantine.
"""

import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Protocol

import polars as pl

from topshelf.aws.lake_bucket import LakeObject
from topshelf.events import EventPolicy, Interaction, Refusal, parse_line

__all__ = ["EVENT_SCHEMA", "EventLake", "LakeReading", "Progress", "frame_of", "read_lake"]

EVENT_SCHEMA: dict[str, pl.DataType] = {
    "user_id": pl.String(),
    "session_id": pl.String(),
    "item_id": pl.String(),
    "event_type": pl.String(),
    "event_value": pl.Float64(),
    "timestamp": pl.Int64(),
    "event_id": pl.String(),
}
"""Columns of an event frame: what training needs of an interaction."""

_EVENT_KEY = re.compile(r"events/(dt=\d{4}-\d{2}-\d{2}/.+\.jsonl\.gz)")
_LONGEST_LINE = 1 << 20
_KEPT_OF_LINE = 2000
_AT_ONCE = 8


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
    """

    events: pl.DataFrame
    objects: dict[str, str]
    counts: dict[str, int]


def read_lake(lake: EventLake, policy: EventPolicy, progress: Progress) -> LakeReading:
    """Reads every event of the lake.

    A line that is no interaction is written to ``quarantine/dt=<day>/`` under its object's name,
    with the object, the line number, the field and the reason. An object that cannot be unpacked
    ends in one such line. Neither stops the job. Blank lines are nothing.

    Args:
        lake: Where the events are.
        policy: What this deployment accepts.
        progress: Told after each few objects.

    Raises:
        ConflictError: An object was overwritten while it was read.
        UnavailableError: The store does not answer.
    """
    listed = lake.objects()
    wanted = [entry for entry in listed if _EVENT_KEY.fullmatch(entry.key)]
    counts = Counter(lines=0, quarantined=0)
    frames = [pl.DataFrame(schema=EVENT_SCHEMA)]
    progress("read", 0, len(wanted))
    done = 0
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        # A few at a time: fetching ahead without bound would hold the whole lake in memory.
        for entries in batched(wanted, _AT_ONCE, strict=False):
            for entry, packed in zip(entries, pool.map(lake.read, entries), strict=True):
                frames.append(_checked(lake, entry, packed, policy, counts))
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
    )


def frame_of(events: list[Interaction]) -> pl.DataFrame:
    """The events as a frame with the columns of EVENT_SCHEMA."""
    columns = {name: [getattr(event, name) for event in events] for name in EVENT_SCHEMA}
    return pl.DataFrame(columns, schema=EVENT_SCHEMA)


def _checked(
    lake: EventLake, entry: LakeObject, packed: bytes, policy: EventPolicy, counts: Counter[str]
) -> pl.DataFrame:
    accepted: list[Interaction] = []
    refused: list[bytes] = []
    for number, line in _lines(packed):
        found = line if isinstance(line, Refusal) else parse_line(line, policy)
        counts["lines"] += 1
        if isinstance(found, Interaction):
            accepted.append(found)
        else:
            text = line[:_KEPT_OF_LINE] if isinstance(line, bytes) else b""
            refused.append(_quarantine_line(entry.key, number, found, text))
    if refused:
        counts["quarantined"] += len(refused)
        lake.quarantine(
            entry.key.removeprefix("events/"), gzip.compress(b"".join(refused), mtime=0)
        )
    return frame_of(accepted)


def _quarantine_line(key: str, number: int, refusal: Refusal, text: bytes) -> bytes:
    row = {
        "object": key,
        "line": number,
        "field": refusal.field,
        "reason": refusal.detail,
        "text": text.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(row).encode() + b"\n"


def _lines(packed: bytes) -> Iterator[tuple[int, bytes | Refusal]]:
    number = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            # Bounded reads: an object without newlines must not fill the memory.
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if not line.isspace():
                    yield number, line
                while not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
                    line = stream.readline(_LONGEST_LINE)  # the rest of a line already refused
    except (EOFError, OSError, zlib.error) as error:
        yield number + 1, Refusal("body", f"the object cannot be unpacked from here on: {error}")
