"""Polars frames that move between the partitions of an RDD.

Rows travel as Arrow bytes, a frame for each pair of partitions, so that Spark's Python side handles
a few large values instead of millions of rows.
"""

import io
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import RDD

from training.lake import EVENT_SCHEMA

__all__ = ["pack_frame", "rearranged", "unpack_frame"]


def pack_frame(frame: pl.DataFrame) -> bytes:
    """The frame as Arrow IPC, compressed."""
    stream = io.BytesIO()
    frame.write_ipc(stream, compression="lz4")
    return stream.getvalue()


def unpack_frame(packed: bytes) -> pl.DataFrame:
    """What pack_frame packed."""
    return pl.read_ipc(packed)


def rearranged(
    frames: RDD[bytes], target: Callable[[pl.DataFrame], NDArray[np.int64]], parts: int
) -> RDD[bytes]:
    """The same rows in other partitions, one packed frame each.

    Args:
        frames: Packed frames with the columns of training.lake.EVENT_SCHEMA.
        target: The partition of each row of a frame, 0..parts - 1, (n,).
        parts: Partitions wanted.

    Returns:
        One frame a partition, its rows in any order.
    """

    def split(packed: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        for content in packed:
            frame = unpack_frame(content)
            if frame.is_empty():
                continue
            wanted = target(frame)
            order = np.argsort(wanted, kind="stable")
            sorted_frame = frame[order]
            found, starts = np.unique(wanted[order], return_index=True)
            ends = [*starts.tolist()[1:], len(frame)]
            for part, start, stop in zip(found.tolist(), starts.tolist(), ends, strict=True):
                yield part, pack_frame(sorted_frame[start:stop])

    def join(pairs: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        found = [unpack_frame(content) for _, content in pairs]
        yield pack_frame(pl.concat([pl.DataFrame(schema=EVENT_SCHEMA), *found]))

    return frames.mapPartitions(split).partitionBy(parts, int).mapPartitions(join)
