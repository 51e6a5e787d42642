"""Shared events cleaned as on one machine: repeats left out, sessions joined with who signed in.

Which events are the same, and whose a session's events are, cannot be told from a share of the
lake. So the rows are moved twice: first so that a session is whole in one partition, then so that
all events of one id are. The cleaning of training.interactions runs after each move, on what is
there; a second run finds the duplicates that the first could not see, and nothing else to do.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark import RDD, StorageLevel

from training.interactions import clean_events
from training.spark.frames import pack_frame, rearranged, unpack_frame
from training.spark.routing import by_event

__all__ = ["SharedEvents", "clean_shared"]


@dataclass(frozen=True, slots=True)
class SharedEvents:
    """Cleaned events, in partitions.

    Attributes:
        frames: One packed frame a partition; persisted.
        counts: As those of training.interactions.Cleaned.
    """

    frames: RDD[bytes]
    counts: dict[str, int]


def clean_shared(sessions: RDD[bytes], parts: int) -> SharedEvents:
    """Cleans the events.

    Args:
        sessions: Packed frames in which each session is whole.
        parts: Frames wanted.
    """
    whole_sessions = _cleaned(sessions)
    whole_ids = _cleaned(
        rearranged(whole_sessions.map(lambda cleaned: cleaned[0]), by_event(parts), parts)
    )
    first, second = (
        _sum(rdd.map(lambda cleaned: cleaned[1])) for rdd in (whole_sessions, whole_ids)
    )
    return SharedEvents(
        frames=whole_ids.map(lambda cleaned: cleaned[0]),
        counts={
            "events": second["events"],
            "duplicates": first["duplicates"] + second["duplicates"],
            "joined": first["joined"],
            "unjoined": first["unjoined"],
        },
    )


def _cleaned(frames: RDD[bytes]) -> RDD[tuple[bytes, dict[str, int]]]:
    def clean(packed: bytes) -> tuple[bytes, dict[str, int]]:
        cleaned = clean_events(unpack_frame(packed))
        return pack_frame(cleaned.events), cleaned.counts

    return frames.map(clean).persist(StorageLevel.MEMORY_AND_DISK)


def _sum(counts: RDD[dict[str, int]]) -> Mapping[str, int]:
    total = Counter[str]()
    for found in counts.collect():
        total.update(found)
    return total
