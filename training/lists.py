"""The ready lists of a model: each viewer's own, and what is popular."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from topshelf.catalog import Movie
from topshelf.factors import explain
from topshelf.features import bound_history
from topshelf.ranking import NO_ITEM, popularity_ranking, top_k
from topshelf.refresh import ready_list
from topshelf.topk import TOP_K, TopKList, pack_scores, popular_key, similar_key
from training.als import ALSFactors
from training.interactions import Interactions
from training.lake import Progress

__all__ = ["popular_lists", "similar_lists", "viewer_lists", "viewers_of"]

_BLOCK = 2048
_MAX_GENRES = 200


def viewer_lists(
    data: Interactions, factors: ALSFactors, progress: Progress
) -> Iterator[tuple[str, TopKList]]:
    """Each viewer's list, in the order of the user rows; progress is told of ``lists``."""
    indptr, indices = data.matrix.indptr, data.matrix.indices
    for start in range(0, len(data.users), _BLOCK):
        stop = min(start + _BLOCK, len(data.users))
        seen = indptr[start : stop + 1] - indptr[start]
        ranked = top_k(
            factors.users[start:stop], factors.items, seen, indices[indptr[start] :], TOP_K
        )
        for row in range(start, stop):
            own = slice(indptr[row], indptr[row + 1])
            history = bound_history(
                indices[own].astype(np.int64), data.matrix.data[own], np.empty(0, dtype=np.int64)
            )
            left = ranked.rows[row - start] != NO_ITEM
            items, scores = ranked.rows[row - start][left], ranked.scores[row - start][left]
            because = explain(
                factors.items,
                factors.gram,
                *history,
                regularization=factors.regularization,
                recommended=items,
            )
            yield (
                data.users.ids[row],
                ready_list(
                    data.items,
                    (items, scores),
                    history,
                    because,
                    source="batch",
                    generated_at=data.newest_event,
                ),
            )
        progress("lists", stop, len(data.users))


def popular_lists(data: Interactions, catalogue: Mapping[str, Movie]) -> dict[str, TopKList]:
    """What is popular, everywhere and in each genre, by the key of its row in the top-K table."""
    viewers = viewers_of(data)
    rows = popularity_ranking(viewers)
    by_genre: dict[str, list[int]] = {}
    for row in rows.tolist():
        movie = catalogue.get(data.items.ids[row])
        for genre in movie.genres if movie else ():
            by_genre.setdefault(genre, []).append(row)
    lists = {popular_key(): _popular_list(data, viewers, rows[:TOP_K])}
    # Largest first, the name deciding between equals, so that the bound cuts the smallest.
    for genre in sorted(by_genre, key=lambda name: (-len(by_genre[name]), name))[:_MAX_GENRES]:
        best = np.asarray(by_genre[genre][:TOP_K], dtype=np.int64)
        lists[popular_key(f"genre:{genre}")] = _popular_list(data, viewers, best)
    return lists


def _popular_list(
    data: Interactions, viewers: NDArray[np.int64], rows: NDArray[np.int64]
) -> TopKList:
    """The items of the rows, most viewers first; scores are shares of all viewers."""
    return TopKList(
        items=" ".join([data.items.ids[row] for row in rows.tolist()]),
        scores=pack_scores((viewers[rows] / len(data.users)).tolist()),
        history=b"",
        because=b"",
        source="batch",
        generated_at=data.newest_event,
    )


def similar_lists(
    data: Interactions, factors: ALSFactors, catalogue: Mapping[str, Movie]
) -> Iterator[tuple[str, TopKList]]:
    """The items most like each item, by the cosine of their factors, by key, in item row order.

    Each carries the title of its item, so that an answer can be given titles by the item's key.
    """
    lengths = np.linalg.norm(factors.items, axis=1, keepdims=True)
    # An item that nothing was learned of has no direction, and is like nothing.
    unit = (factors.items / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    for start in range(0, len(unit), _BLOCK):
        stop = min(start + _BLOCK, len(unit))
        own = np.arange(start, stop)
        ranked = top_k(unit[start:stop], unit, np.arange(stop - start + 1), own, TOP_K)
        for row in own.tolist():
            left = ranked.rows[row - start] != NO_ITEM
            rows, scores = ranked.rows[row - start][left], ranked.scores[row - start][left]
            item_id = data.items.ids[row]
            movie = catalogue.get(item_id)
            yield (
                similar_key(item_id),
                TopKList(
                    items=" ".join([data.items.ids[other] for other in rows.tolist()]),
                    scores=pack_scores(scores.tolist()),
                    history=b"",
                    because=b"",
                    source="batch",
                    generated_at=data.newest_event,
                    title=movie.title if movie else "",
                ),
            )


def viewers_of(data: Interactions) -> NDArray[np.int64]:
    """How many viewers each item has, (n_items,) int64, by item row."""
    return np.bincount(data.matrix.indices, minlength=len(data.items))
