"""The lake read by partitions: the single machine's reading and cleaning, each on a share of it.

Which events are the same, and whose a session's events are, cannot be told from a share of the
lake. So the rows are moved twice: first so that a session is whole in one partition, then so that
all events of one id are. The cleaning of training.interactions runs after each move, on what is
there; a second run finds the duplicates that the first could not see, and nothing else to do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import RDD, SparkContext, StorageLevel

from topshelf.aws.lake_bucket import LakeObject
from topshelf.events import EventPolicy
from training.interactions import clean_events
from training.lake import EventLake, Progress, read_lake
from training.spark.frames import pack_frame, rearranged, unpack_frame

__all__ = ["CleanEvents", "clean_lake", "shares_of"]

_SHARE_BYTES = 32 << 20
"""Compressed bytes of the lake that one task reads."""

_USER = pl.col("user_id").cast(pl.String)
"""As text: numbers of ids are those of one process, and every worker has to say the same."""

type _Share = list[LakeObject]


@dataclass(frozen=True, slots=True)
class CleanEvents:
    """The lake's events, cleaned, in partitions.

    Attributes:
        frames: One packed frame a partition; see training.spark.frames.
        objects: ETag of each object read, by key.
        counts: As those of training.lake.LakeReading and training.interactions.Cleaned together.
        refused: Lines of each quarantine object, by its key.
    """

    frames: RDD[bytes]
    objects: dict[str, str]
    counts: dict[str, int]
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a task says of its share; as training.lake.LakeReading."""

    objects: dict[str, str]
    counts: dict[str, int]
    refused: dict[str, int]


type _Read = tuple[bytes, _Told]


class _PartOfLake:
    """EventLake of some objects: what one task reads."""

    def __init__(self, lake: EventLake, entries: _Share) -> None:
        self._lake = lake
        self._entries = entries

    def objects(self) -> list[LakeObject]:
        return self._entries

    def read(self, entry: LakeObject) -> bytes:
        return self._lake.read(entry)

    def quarantine(self, name: str, content: bytes) -> None:
        self._lake.quarantine(name, content)

    def catalogue(self) -> bytes | None:
        return None


def clean_lake(
    context: SparkContext,
    open_lake: Callable[[], EventLake],
    policy: EventPolicy,
    parts: int,
    progress: Progress,
) -> CleanEvents:
    """Reads and cleans every event of the lake.

    Args:
        context: Of Spark.
        open_lake: Opens the lake, in the driver and in each task; it travels to the workers.
        policy: What this deployment accepts.
        parts: Partitions of the result.
        progress: Told of ``read``.

    Raises:
        ConflictError: An object was overwritten while it was read.
        UnavailableError: The store does not answer.
    """
    shares = shares_of(open_lake().objects(), parts)

    def read(found: Iterable[_Share]) -> Iterator[_Read]:
        for share in found:
            reading = read_lake(_PartOfLake(open_lake(), share), policy, _silent)
            told = _Told(reading.objects, reading.counts, reading.refused)
            yield pack_frame(reading.events), told

    progress("read", 0, len(shares))
    # A task that is lost reads its objects again: they are asked for by ETag, and what it wrote to
    # quarantine is written over.
    readings = context.parallelize(shares, max(1, len(shares))).mapPartitions(read)
    readings.persist(StorageLevel.MEMORY_AND_DISK)
    objects: dict[str, str] = {}
    refused: dict[str, int] = {}
    counts = Counter[str]()
    for told in readings.map(lambda reading: reading[1]).collect():
        objects |= told.objects
        refused |= told.refused
        counts.update(told.counts)
    progress("read", len(shares), len(shares))
    whole_sessions = _cleaned(
        rearranged(readings.map(lambda reading: reading[0]), _by_session(parts), parts)
    )
    whole_ids = _cleaned(
        rearranged(whole_sessions.map(lambda cleaned: cleaned[0]), _by_event(parts), parts)
    )
    first, second = (
        _sum(rdd.map(lambda cleaned: cleaned[1])) for rdd in (whole_sessions, whole_ids)
    )
    readings.unpersist()
    return CleanEvents(
        frames=whole_ids.map(lambda cleaned: cleaned[0]),
        objects=dict(sorted(objects.items())),
        counts={
            **counts,
            "events": second["events"],
            "duplicates": first["duplicates"] + second["duplicates"],
            "joined": first["joined"],
            "unjoined": first["unjoined"],
        },
        refused=refused,
    )


def shares_of(entries: Sequence[LakeObject], parts: int) -> list[_Share]:
    """Splits the objects into shares of like size, largest first, at least one.

    Args:
        entries: Of the lake.
        parts: Least number of shares, where there are as many objects.
    """
    total = sum(entry.size for entry in entries)
    wanted = max(1, min(len(entries), max(parts, -(-total // _SHARE_BYTES))))
    shares: list[_Share] = [[] for _ in range(wanted)]
    sizes = np.zeros(wanted, dtype=np.int64)
    for entry in sorted(entries, key=lambda entry: (-entry.size, entry.key)):
        lightest = int(np.argmin(sizes))
        shares[lightest].append(entry)
        # An empty object costs a request, too.
        sizes[lightest] += entry.size + 1
    return [sorted(share, key=lambda entry: entry.key) for share in shares]


def _cleaned(frames: RDD[bytes]) -> RDD[tuple[bytes, dict[str, int]]]:
    def clean(packed: bytes) -> tuple[bytes, dict[str, int]]:
        cleaned = clean_events(unpack_frame(packed))
        return pack_frame(cleaned.events), cleaned.counts

    return frames.map(clean).persist(StorageLevel.MEMORY_AND_DISK)


def _by_session(parts: int) -> Callable[[pl.DataFrame], NDArray[np.int64]]:
    """A session's events together; those without one by their viewer."""
    return _by_hash(pl.coalesce("session_id", _USER), parts)


def _by_event(parts: int) -> Callable[[pl.DataFrame], NDArray[np.int64]]:
    """The events of one id together; those without an id by their viewer."""
    return _by_hash(pl.coalesce("event_id", _USER), parts)


def _by_hash(key: pl.Expr, parts: int) -> Callable[[pl.DataFrame], NDArray[np.int64]]:
    def target(frame: pl.DataFrame) -> NDArray[np.int64]:
        hashes = frame.select(key.hash(seed=0)).to_series().to_numpy()
        return (hashes % np.uint64(parts)).astype(np.int64)

    return target


def _sum(counts: RDD[dict[str, int]]) -> Mapping[str, int]:
    total = Counter[str]()
    for found in counts.collect():
        total.update(found)
    return total


def _silent(stage: str, done: int, total: int) -> None:
    """A Progress for tasks."""
