"""The lists of a model that are nobody's own: what is popular, and what is like an item."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topshelf.catalog import Movie
from topshelf.ids import IdMap, ItemId, ItemRow
from topshelf.ranking import NO_ITEM, popularity_ranking
from topshelf.topk import TOP_K, TopKList, pack_scores, popular_key, similar_key
from training.interactions import Interactions
from training.ranker import top_k

__all__ = ["Audience", "popular_lists", "similar_lists"]

_MAX_GENRES = 200


@dataclass(frozen=True, slots=True)
class Audience:
    """What lists that are nobody's own are made of.

    Attributes:
        items: All items.
        viewers: How many viewers each item has, (n_items,) int64, by item row.
        n_users: All viewers.
        newest_event: UTC milliseconds.
    """

    items: IdMap[ItemId, ItemRow]
    viewers: NDArray[np.int64]
    n_users: int
    newest_event: int

    @classmethod
    def of(cls, data: Interactions) -> "Audience":
        """That of a training's data."""
        viewers = np.bincount(data.matrix.indices, minlength=len(data.items))
        return cls(data.items, viewers, len(data.users), data.newest_event)


def popular_lists(audience: Audience, catalogue: Mapping[str, Movie]) -> dict[str, TopKList]:
    """What is popular, everywhere and in each genre, by the key of its row in the top-K table."""
    rows = popularity_ranking(audience.viewers)
    by_genre: dict[str, list[int]] = {}
    for row in rows.tolist():
        movie = catalogue.get(audience.items.ids[row])
        for genre in movie.genres if movie else ():
            by_genre.setdefault(genre, []).append(row)
    lists = {popular_key(): _popular_list(audience, rows[:TOP_K])}
    # Largest first, the name deciding between equals, so that the bound cuts the smallest.
    for genre in sorted(by_genre, key=lambda name: (-len(by_genre[name]), name))[:_MAX_GENRES]:
        best = np.asarray(by_genre[genre][:TOP_K], dtype=np.int64)
        lists[popular_key(f"genre:{genre}")] = _popular_list(audience, best)
    return lists


def _popular_list(audience: Audience, rows: NDArray[np.int64]) -> TopKList:
    """The items of the rows, most viewers first; scores are shares of all viewers."""
    return TopKList(
        items=" ".join(audience.items.names(rows)),
        scores=pack_scores((audience.viewers[rows] / audience.n_users).tolist()),
        history=b"",
        because=b"",
        source="batch",
        generated_at=audience.newest_event,
    )


def similar_lists(
    audience: Audience, items: NDArray[np.float32], catalogue: Mapping[str, Movie]
) -> Iterator[tuple[str, TopKList]]:
    """The items most like each item, by the cosine of their factors, by key, in item row order.

    Each carries the title of its item, so that an answer can be given titles by the item's key.
    """
    lengths = np.linalg.norm(items, axis=1, keepdims=True)
    # An item that nothing was learned of has no direction, and is like nothing.
    unit = (items / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    own = np.arange(len(unit))
    ranked = top_k(unit, unit, np.arange(len(unit) + 1), own, TOP_K)
    for row in own.tolist():
        left = ranked.rows[row] != NO_ITEM
        rows, scores = ranked.rows[row][left], ranked.scores[row][left]
        item_id = audience.items.ids[row]
        movie = catalogue.get(item_id)
        yield (
            similar_key(item_id),
            TopKList(
                items=" ".join(audience.items.names(rows)),
                scores=pack_scores(scores.tolist()),
                history=b"",
                because=b"",
                source="batch",
                generated_at=audience.newest_event,
                title=movie.title if movie else "",
            ),
        )
