"""Ranking for everyone: the exact top-k in little more time than the scores alone take.

BLAS scores a tile of viewers and items at a time, small enough for the second-level cache, and a
compiled pass looks through the tile while it is there. For each viewer it keeps a few candidates
and a score that k items are known to reach: what is below costs one comparison, many at a time.
The longest items come first, because they have most of the great scores; and where the longest of
those left could not reach a viewer's bar (Cauchy and Schwarz), nothing behind it can.

topshelf.ranking.top_k says in a few lines of numpy what comes out: it is the oracle of the tests,
and ranks where numba is absent.
"""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from topshelf import ranking
from topshelf.ranking import NO_ITEM, Ranked
from training.pool import in_threads

if find_spec("numba"):
    from training import ranking_kernel as kernel
else:
    kernel = None  # type: ignore[assignment]

__all__ = ["ItemRanker", "top_k"]

type _Floats = NDArray[np.float32]

_VIEWERS, _ITEMS = 256, 1024
"""A tile: 1 MB of scores."""

_AT_ONCE = 4096

CAP = 2
_ROUNDING = 1.0001
"""Scores are rounded; what bounds them must not be below."""

_NOTHING = np.iinfo(np.int64).min


class ItemRanker:
    """Ranks the items of a model for any viewers; threads may share it."""

    def __init__(self, item_factors: _Floats) -> None:
        """Orders the items; item_factors: (n_items, f) float32, numbers all."""
        n_items, f = item_factors.shape
        lengths = np.linalg.norm(item_factors.astype(np.float64), axis=1)
        order = np.argsort(-lengths, kind="stable")
        tiles = -(-n_items // _ITEMS)
        # Whole tiles, all alike: the last bits of a score depend on the shape of the product.
        self._columns = np.zeros((tiles, f, _ITEMS), dtype=np.float32)
        self._rows = np.zeros((tiles, _ITEMS), dtype=np.int32)
        for tile in range(tiles):
            own = order[tile * _ITEMS : (tile + 1) * _ITEMS]
            self._columns[tile, :, : len(own)] = item_factors[own].T
            self._rows[tile, : len(own)] = own
        self._place = np.empty(n_items, dtype=np.int32)
        self._place[order] = np.arange(n_items, dtype=np.int32)
        self._longest = lengths[order][::_ITEMS] * _ROUNDING
        self._items = item_factors

    def top_k(
        self,
        user_factors: _Floats,
        seen_indptr: NDArray[np.integer],
        seen_indices: NDArray[np.integer],
        k: int,
    ) -> Ranked:
        """What topshelf.ranking.top_k gives for these items, see there; (n, k).

        Scores are those of the same products, so they agree but for the last bits; a viewer's do
        not depend on who else is asked for.
        """
        if kernel is None:
            return ranking.top_k(user_factors, self._items, seen_indptr, seen_indices, k)
        n, width = len(user_factors), min(k, len(self._place))
        rows = np.full((n, k), NO_ITEM, dtype=np.int64)
        scores = np.full((n, k), -np.inf, dtype=np.float32)
        tile = np.empty((_VIEWERS, _ITEMS), dtype=np.float32)
        for start in range(0, n if width else 0, _VIEWERS):
            stop = min(start + _VIEWERS, n)
            bounds = np.asarray(seen_indptr[start : stop + 1], dtype=np.int64)
            keys = self._block(
                user_factors[start:stop],
                bounds - bounds[0],
                np.asarray(seen_indices[bounds[0] : bounds[-1]], dtype=np.int32),
                width,
                tile,
            )
            found, reached = kernel.unpack(keys)
            rows[start:stop, :width] = np.where(keys == _NOTHING, NO_ITEM, found)
            scores[start:stop, :width] = np.where(keys == _NOTHING, -np.inf, reached)
        return Ranked(rows, scores)

    def _block(
        self,
        viewers: _Floats,
        indptr: NDArray[np.int64],
        indices: NDArray[np.int32],
        k: int,
        scores: _Floats,
    ) -> NDArray[np.int64]:
        """The k greatest keys of each viewer, greatest first, (n, k); scores is room for a tile."""
        n, n_items = len(viewers), len(self._place)
        padded = np.zeros((_VIEWERS, viewers.shape[1]), dtype=np.float32)
        padded[:n] = viewers
        lengths = np.linalg.norm(viewers.astype(np.float64), axis=1)
        firsts = np.zeros(len(self._rows) + 1, dtype=np.int64)
        seen = kernel.place_seen(indptr, indices, self._place, _ITEMS, firsts)
        bars = np.full(n, -np.inf, dtype=np.float32)
        keys = np.full((n, int(k * CAP)), _NOTHING, dtype=np.int64)
        counts = np.zeros(n, dtype=np.int64)
        # A power of two above 2 k: two items in three that reach its bar are among the best.
        groups = 1 << (2 * k - 1).bit_length()
        bits = scores.view(np.int32)
        for tile, longest in enumerate(self._longest):
            waiting = bars <= lengths * longest
            if not waiting.any():
                break
            np.matmul(padded, self._columns[tile], out=scores)
            # Not a number reaches no bar.
            scores[:, n_items - tile * _ITEMS :] = np.nan
            kernel.strike(scores, seen[firsts[tile] : firsts[tile + 1]])
            if tile == 0 and groups <= _ITEMS // 2:
                # Of the greatest scores of disjoint groups, k reach the k-th greatest of them.
                best = np.empty((n, groups), dtype=np.float32)
                kernel.greatest_of_groups(scores, best)
                bars = np.partition(best, -k, axis=1)[:, -k].copy()
            kernel.keep_candidates(scores, bits, self._rows[tile], k, waiting, bars, keys, counts)
        keys[np.arange(keys.shape[1]) >= counts[:, None]] = _NOTHING
        chosen = np.partition(keys, -k, axis=1)[:, -k:]
        chosen.sort(axis=1)
        return chosen[:, ::-1]


def top_k(
    user_factors: _Floats,
    item_factors: _Floats,
    seen_indptr: NDArray[np.integer],
    seen_indices: NDArray[np.integer],
    k: int,
    *,
    threads: int = 0,
) -> Ranked:
    """What topshelf.ranking.top_k gives, see ItemRanker.top_k, on all cores.

    Args:
        user_factors: (n, f) float32.
        item_factors: (n_items, f) float32, numbers all.
        seen_indptr: CSR row pointers of what each viewer has seen, (n + 1,).
        seen_indices: CSR column indices: item rows, in any order.
        k: Length of a ranking, at least 1.
        threads: That share the viewers; 0 means one a core. The result does not depend on it.
    """
    ranker, n = ItemRanker(item_factors), len(user_factors)
    rows = np.empty((n, k), dtype=np.int64)
    scores = np.empty((n, k), dtype=np.float32)

    def rank(start: int) -> None:
        own = slice(start, start + _AT_ONCE)
        bounds = seen_indptr[start : start + _AT_ONCE + 1]
        found = ranker.top_k(user_factors[own], bounds, seen_indices, k)
        rows[own], scores[own] = found.rows, found.scores

    for _ in in_threads(rank, range(0, n, _AT_ONCE), threads):
        pass
    return Ranked(rows, scores)
