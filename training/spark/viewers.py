"""Whole viewers in partitions: a matrix for each, in the columns of the whole catalogue.

The viewers are sorted over the partitions as they are within each, so that a viewer's row in the
model is the one that the single machine would give.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import RDD, Broadcast, StorageLevel
from scipy.sparse import csr_matrix

from topshelf.features import ConfidenceWeights
from topshelf.ids import IdMap, ItemId, ItemRow
from training.interactions import Interactions, check_enough, interactions_of
from training.spark.frames import rearranged, unpack_frame

__all__ = ["Viewers", "range_bounds", "viewers_of_events"]

_SAMPLE = 400
"""Viewers of each partition that the bounds are chosen by."""

type _Items = IdMap[ItemId, ItemRow]


@dataclass(frozen=True)
class Viewers:
    """The training data, viewers shared out.

    Attributes:
        blocks: The interactions of some viewers each, in the order of the viewers; items are those
            of the block alone. Persisted.
        items: All items.
        counts: Viewers of each block, by the number of its partition, ascending.
        newest_event: UTC milliseconds.
    """

    blocks: RDD[Interactions]
    items: _Items
    counts: dict[int, int]
    newest_event: int

    @property
    def n_users(self) -> int:
        """Viewers of all blocks."""
        return sum(self.counts.values())

    @cached_property
    def shared_items(self) -> Broadcast[_Items]:
        """The items, where the tasks are."""
        return self.blocks.context.broadcast(self.items)

    def whole(self) -> RDD[Interactions]:
        """The blocks in the columns of all items, told the newest event of all."""
        items, newest = self.shared_items, self.newest_event

        def widen(block: Interactions) -> Interactions:
            return _in_columns_of(items.value, replace(block, newest_event=newest))

        return self.blocks.map(widen)


def viewers_of_events(frames: RDD[bytes], weights: ConfidenceWeights, parts: int) -> Viewers:
    """Brings each viewer's events together and builds the matrices.

    Args:
        frames: Cleaned events, packed; see training.spark.reading.
        weights: Strength of each kind of event.
        parts: Blocks wanted; with few viewers there are fewer.

    Raises:
        InvalidInputError: Too few events or viewers to learn from.
    """
    samples = [sample for sample in frames.map(_sample).collect() if len(sample[0])]
    bounds = range_bounds(samples, parts)

    def build(packed: Iterable[bytes]) -> Iterator[Interactions]:
        for content in packed:
            events = unpack_frame(content)
            if len(events):
                yield interactions_of(events.sort(events.columns), weights)

    n_events = sum(frames.map(lambda packed: len(unpack_frame(packed))).collect())
    blocks = rearranged(frames, _by_range(bounds), len(bounds) + 1).mapPartitions(build)
    blocks.persist(StorageLevel.MEMORY_AND_DISK)
    told = blocks.mapPartitionsWithIndex(_counted).collect()
    counts = {index: count for index, count, _ in told}
    check_enough(n_events, sum(counts.values()))
    names = blocks.flatMap(lambda block: block.items.ids).distinct().collect()
    return Viewers(blocks, IdMap.of(names), counts, max(newest for *_, newest in told))


def range_bounds(samples: list[tuple[list[str], int]], parts: int) -> list[str]:
    """The first viewer of each part but the first, so that parts are of like size.

    Args:
        samples: Viewers taken evenly from each share of the data, with how many rows each of them
            stands for.
        parts: Parts wanted.

    Returns:
        At most parts - 1 ids, ascending and distinct.
    """
    names = np.array([name for sample, _ in samples for name in sample], dtype=object)
    if parts < 2 or len(names) == 0:
        return []
    weights = np.repeat([w for _, w in samples], [len(sample) for sample, _ in samples])
    order = np.argsort(names, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = reached[-1] * np.arange(1, parts) / parts
    chosen = names[order][np.searchsorted(reached, wanted, side="right")]
    return sorted(set(chosen.tolist()))


def _sample(packed: bytes) -> tuple[list[str], int]:
    users = unpack_frame(packed)["user_id"].cast(pl.String).sort()
    step = max(1, len(users) // _SAMPLE)
    return users.gather_every(step).to_list(), step


def _counted(index: int, blocks: Iterable[Interactions]) -> Iterator[tuple[int, int, int]]:
    for block in blocks:
        yield index, len(block.users), block.newest_event


def _by_range(bounds: list[str]) -> Callable[[pl.DataFrame], NDArray[np.int64]]:
    def target(frame: pl.DataFrame) -> NDArray[np.int64]:
        firsts = pl.Series(bounds, dtype=pl.String)
        users = frame["user_id"].cast(pl.String)
        return firsts.search_sorted(users, side="right").to_numpy().astype(np.int64)

    return target


def _in_columns_of(items: _Items, block: Interactions) -> Interactions:
    """The same block, its columns those of all items: sorted ids keep the order of columns."""
    places = {name: row for row, name in enumerate(items.ids)}
    columns = np.array([places[name] for name in block.items.ids], dtype=np.int32)
    own = block.matrix
    wide = csr_matrix(
        (own.data, columns[own.indices], own.indptr), shape=(own.shape[0], len(items))
    )
    return replace(block, items=items, matrix=wide)
