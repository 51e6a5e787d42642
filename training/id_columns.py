"""Ids as columns of frames: each id is held once, and of each row its number of four bytes.

Numbers are those of one process, in the order in which it met the ids. Equal ids have equal numbers
there; what is sorted or goes to another process goes by the text. Ids of sessions and events stay
text: an id takes some hundred bytes beside its number, and few of those have many rows.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["ITEM_IDS", "USER_IDS", "rows_among", "rows_of"]

USER_IDS = pl.Categorical(pl.Categories("topshelf.user"))
"""Ids of users."""

ITEM_IDS = pl.Categorical(pl.Categories("topshelf.item"))
"""Ids of items."""


def rows_of(names: pl.Series) -> tuple[list[str], NDArray[np.int32]]:
    """The different ids of a column, and which of them each row has.

    Args:
        names: Categorical, without nulls, (n,).

    Returns:
        Ids, ascending, and their places, int32, (n,).
    """
    ids = names.unique().sort()
    return ids.to_list(), _places(names, ids)


def rows_among(names: pl.Series, ids: tuple[str, ...]) -> NDArray[np.int32]:
    """The places of ids among given ones; -1 where an id is none of them.

    Args:
        names: Categorical, without nulls, (n,).
        ids: Different ones.

    Returns:
        int32, (n,).
    """
    return _places(names, pl.Series(ids, dtype=names.dtype))


def _places(names: pl.Series, ids: pl.Series) -> NDArray[np.int32]:
    numbers, wanted = names.to_physical().to_numpy(), ids.to_physical().to_numpy()
    most = max(int(column.max()) if len(column) else -1 for column in (numbers, wanted))
    places = np.full(most + 1, -1, np.int32)
    places[wanted] = np.arange(len(ids), dtype=np.int32)
    found: NDArray[np.int32] = places[numbers]
    return found
