"""Sums of arrays over partitions, always in the same order, so that they have the same bits."""

from collections.abc import Iterable, Iterator
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD

__all__ = ["ordered_sum"]

_AT_ONCE = 16
"""Arrays that the driver adds up itself; more are first added where they are."""

type _Part = tuple[int, NDArray[np.float64]]


def ordered_sum(arrays: RDD[NDArray[np.floating]]) -> NDArray[np.float64]:
    """The sum of arrays of one shape, partition by partition.

    RDD.treeAggregate adds in the order in which tasks end, and a floating-point sum depends on it.
    Here the driver holds about as many arrays as the root of the number of partitions.

    Raises:
        ValueError: There is no array.
    """
    parts = arrays.mapPartitionsWithIndex(_sum_of_partition)
    count = arrays.getNumPartitions()
    if count > _AT_ONCE:
        width = isqrt(count - 1) + 1
        groups = parts.map(lambda part: (part[0] // width, part)).groupByKey(-(-count // width))
        parts = groups.mapValues(_sum_of_group)
    found = sorted(parts.collect(), key=lambda part: part[0])
    if not found:
        raise ValueError("there is nothing to add up")
    return _sum(array for _, array in found)


def _sum_of_partition(index: int, arrays: Iterable[NDArray[np.floating]]) -> Iterator[_Part]:
    found = [array.astype(np.float64) for array in arrays]
    if found:
        yield index, _sum(found)


def _sum_of_group(parts: Iterable[_Part]) -> NDArray[np.float64]:
    return _sum(array for _, array in sorted(parts, key=lambda part: part[0]))


def _sum(arrays: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    found = iter(arrays)
    total = next(found).copy()
    for array in found:
        total += array
    return total
