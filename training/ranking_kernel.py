"""The compiled part of ranking for everyone: looking through scores for the few that matter.

A candidate is one integer: the score's bits, turned so that they order as the scores do, above the
item's row, turned so that the lower one wins. So the best of candidates are the greatest integers.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from training.compiling import compiled

__all__ = ["LANES", "greatest_of_groups", "keep_candidates", "place_seen", "strike", "unpack"]

type _Floats = NDArray[np.float32]
type _Wholes = NDArray[np.int32]
type _Keys = NDArray[np.int64]

LANES = 64
"""Scores that are compared at once; a tile's width is a multiple."""

_ROW_BITS = (1 << 31) - 1
_TURN = np.int32(_ROW_BITS)
_ZERO_BELOW = np.int32(-(1 << 31))


def unpack(keys: _Keys) -> tuple[NDArray[np.int64], _Floats]:
    """The item rows and scores of candidates, in their order."""
    turned = (keys >> 32).astype(np.int32)
    bits = np.where(turned < 0, turned ^ _TURN, turned)
    return _ROW_BITS - (keys & _ROW_BITS), bits.view(np.float32)


@compiled()
def place_seen(
    indptr: _Keys, indices: _Wholes, place: _Wholes, items: int, firsts: _Keys
) -> _Wholes:  # pragma: no cover  (runs compiled, like all below)
    """Where seen items are, tile by tile, as positions in the tile's scores.

    Args:
        indptr: CSR row pointers of a block of viewers, (n + 1,).
        indices: Item rows.
        place: Place of each item in the order of the tiles, (n_items,).
        items: Width of a tile.
        firsts: Filled with the first position of each tile, and their number, (tiles + 1,).
    """
    firsts[:] = 0
    for item in indices:
        firsts[place[item] // items + 1] += 1
    for tile in range(1, len(firsts)):
        firsts[tile] += firsts[tile - 1]
    heads = firsts[:-1].copy()
    found = np.empty(len(indices), np.int32)
    for viewer in range(len(indptr) - 1):
        for entry in range(indptr[viewer], indptr[viewer + 1]):
            tile, column = divmod(place[indices[entry]], items)
            found[heads[tile]] = viewer * items + column
            heads[tile] += 1
    return found


@compiled()
def strike(scores: _Floats, positions: _Wholes) -> None:  # pragma: no cover
    """Makes the scores at these positions of a whole tile no numbers: they reach no bar."""
    flat = scores.reshape(-1)
    for position in positions:
        flat[position] = np.nan


@compiled()
def greatest_of_groups(scores: _Floats, best: _Floats) -> None:  # pragma: no cover
    """The greatest score of each of some disjoint groups of a tile's items.

    Args:
        scores: Of the tile, (viewers, items).
        best: Filled, (n, groups), where groups divides items; -inf where no score is a number.
    """
    groups = best.shape[1]
    for viewer in range(len(best)):
        own = best[viewer]
        own[:] = -np.inf
        for start in range(0, scores.shape[1], groups):
            some = scores[viewer, start : start + groups]
            for group in range(groups):
                own[group] = max(own[group], some[group])


# Compiled code has no keyword-only arguments.
@compiled()
def keep_candidates(  # noqa: PLR0917
    scores: _Floats,
    bits: _Wholes,
    rows: _Wholes,
    k: int,
    waiting: NDArray[np.bool_],
    bars: _Floats,
    keys: _Keys,
    counts: _Keys,
) -> None:  # pragma: no cover
    """Adds a tile's candidates to those of its viewers.

    Args:
        scores: Of the tile, (viewers, items); not a number where there is nothing to rank.
        bits: The same memory as whole numbers.
        rows: Item rows of the columns, (items,).
        k: How many are wanted.
        waiting: Which viewers can gain from the tile, (n,).
        bars: What k items are known to reach, (n,); raised.
        keys: Candidates, (n, more than k); the first counts of each row hold some.
        counts: (n,).
    """
    for viewer in range(len(bars)):
        if not waiting[viewer]:
            continue
        own, raw, kept = scores[viewer], bits[viewer], keys[viewer]
        bar, count = bars[viewer], counts[viewer]
        for start in range(0, len(own), LANES):
            above: Any = _reaching(own, start, bar)  # type: ignore[call-arg]
            while above:
                column = start + _lowest(above)
                above &= above - np.uint64(1)
                turned = raw[column]
                if turned < 0:
                    # There are two zeros, and they are equal.
                    turned = np.int32(turned ^ _TURN) if turned != _ZERO_BELOW else np.int32(0)
                kept[count] = (np.int64(turned) << 32) | (_ROW_BITS - rows[column])
                count += 1
                if count == len(kept):
                    turned = np.int32(_kth_greatest(kept, count, k) >> 32)
                    count = k
                    bar = _as_float(np.int32(turned ^ _TURN) if turned < 0 else turned)
                    above &= _reaching(own, start, bar)
        bars[viewer], counts[viewer] = bar, count


@njit(nogil=True, error_model="numpy")
def _kth_greatest(values: Any, count: int, k: int) -> Any:  # pragma: no cover
    """Hoare's selection: the k greatest come first, and the k-th is given."""
    low, high = 0, count - 1
    while low < high:
        pivot = max(
            min(values[low], values[high]),
            min(max(values[low], values[high]), values[(low + high) >> 1]),
        )
        left, right = low, high
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if k - 1 <= right:
            high = right
        elif k - 1 >= left:
            low = left
        else:
            break
    return values[k - 1]


@intrinsic
def _reaching(_typing: Any, array: Any, _start: Any, _bar: Any) -> Any:
    """Bit i: array[start + i] >= bar. Loops of numba compare one at a time, five times slower."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scores, start, bar = arguments
        lanes = ir.VectorType(ir.FloatType(), LANES)
        data = context.make_array(signature.args[0])(context, builder, scores).data
        there = builder.bitcast(builder.gep(data, [start]), lanes.as_pointer())
        undefined = ir.Constant(lanes, ir.Undefined)
        one = builder.insert_element(undefined, bar, ir.Constant(ir.IntType(32), 0))
        same = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        bars = builder.shuffle_vector(one, undefined, same)
        reached = builder.fcmp_ordered(">=", builder.load(there, align=4), bars)
        return builder.bitcast(reached, ir.IntType(LANES))

    return types.uint64(array, types.intp, types.float32), build


@intrinsic
def _lowest(_typing: Any, _mask: Any) -> Any:
    """The number of the lowest bit that is set."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), build


@intrinsic
def _as_float(_typing: Any, _bits: Any) -> Any:
    """The float32 of these bits."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), build
