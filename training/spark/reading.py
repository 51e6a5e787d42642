"""The lake read by partitions: the single machine's reading, each on a share of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark import RDD, SparkContext, StorageLevel

from topshelf.aws.lake_bucket import LakeObject
from topshelf.events import EventPolicy
from training.lake import EventLake, Progress, read_lake
from training.spark.frames import pack_frame

__all__ = ["SharedReading", "read_shared", "shares_of"]

_SHARE_BYTES = 32 << 20
"""Compressed bytes of the lake that one task reads."""

type _Share = list[LakeObject]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a task says of its share; as training.lake.LakeReading."""

    objects: dict[str, str]
    counts: dict[str, int]
    refused: dict[str, int]


type _Read = tuple[bytes, _Told]


@dataclass(frozen=True, slots=True)
class SharedReading:
    """The lake's events as they were read, in partitions.

    Attributes:
        readings: Persisted.
        objects: ETag of each object read, by key.
        counts: As those of training.lake.LakeReading.
        refused: Lines of each quarantine object, by its key.
    """

    readings: RDD[_Read]
    objects: dict[str, str]
    counts: dict[str, int]
    refused: dict[str, int]

    def frames(self) -> RDD[bytes]:
        """One packed frame a partition; see training.spark.frames."""
        return self.readings.map(lambda reading: reading[0])


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


def read_shared(
    context: SparkContext,
    open_lake: Callable[[], EventLake],
    policy: EventPolicy,
    parts: int,
    progress: Progress,
) -> SharedReading:
    """Reads every event of the lake.

    Args:
        context: Of Spark.
        open_lake: Opens the lake, in the driver and in each task; it travels to the workers.
        policy: What this deployment accepts.
        parts: Least number of partitions, where there are as many objects.
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
    found = dict(sorted(objects.items()))
    return SharedReading(readings, found, dict(counts), refused)


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


def _silent(stage: str, done: int, total: int) -> None:
    """A Progress for tasks."""
