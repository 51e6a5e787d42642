"""Ids: what the outside calls a viewer or a movie, and the row it has in a matrix.

A viewer's row and a movie's row are both small numbers, and a list made with the one for the other
looks like any other list. So each has a type of its own, and mypy refuses the wrong one where one
id or one row is handled. Arrays of rows are NDArray[np.int64], as everything in NumPy: what they
count is told by their names.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NewType, Self

import numpy as np
from numpy.typing import NDArray

from topshelf.errors import IntegrityError

__all__ = ["IdMap", "ItemId", "ItemRow", "UserId", "UserRow"]

UserId = NewType("UserId", str)
"""What the platform calls a viewer."""

ItemId = NewType("ItemId", str)
"""What the platform calls a movie."""

UserRow = NewType("UserRow", int)
"""A viewer's row in the matrix of interactions and in the user factors."""

ItemRow = NewType("ItemRow", int)
"""A movie's column in the matrix of interactions, and its row in the item factors."""


@dataclass(frozen=True, slots=True)
class IdMap[Name: str, Row: int]:
    """External ids and the rows they have in a matrix.

    ``IdMap[UserId, UserRow]`` for viewers, ``IdMap[ItemId, ItemRow]`` for movies.

    Attributes:
        ids: The ids, distinct and sorted, so that the same ids have the same rows; (n,).
    """

    ids: tuple[Name, ...]
    _rows: dict[Name, Row] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if any(a >= b for a, b in pairwise(self.ids)):
            raise ValueError("ids must be distinct and sorted; use IdMap.of")
        # The one place where a plain number becomes a row.
        rows: dict[Name, Any] = {name: row for row, name in enumerate(self.ids)}
        object.__setattr__(self, "_rows", rows)

    @classmethod
    def of(cls, ids: Iterable[Name]) -> Self:
        """Maps the distinct ids of any iterable."""
        return cls(tuple(sorted(set(ids))))

    @classmethod
    def from_json(cls, raw: bytes) -> Self:
        """Reads what to_json wrote.

        Raises:
            IntegrityError: It is no sorted list of distinct ids.
        """
        try:
            return cls(tuple(_strings(json.loads(raw))))
        except (TypeError, ValueError) as error:
            raise IntegrityError(
                f"the id list is damaged: {error}; train the model again"
            ) from error

    def to_json(self) -> bytes:
        """The ids as a JSON list, in the order of their rows."""
        return json.dumps(self.ids, separators=(",", ":")).encode()

    def row(self, name: Name) -> Row | None:
        """The row of an id; None if it is unknown."""
        return self._rows.get(name)

    def name(self, row: Row) -> Name:
        """The id of a row.

        Raises:
            IndexError: There is no such row.
        """
        if row < 0:
            raise IndexError(f"row {row} is below 0")
        return self.ids[row]

    def names(self, rows: NDArray[np.int64]) -> list[Name]:
        """The ids of many rows, each at least 0, in their order; (n,)."""
        ids = self.ids
        return [ids[row] for row in rows.tolist()]

    def __len__(self) -> int:
        return len(self.ids)


def _strings(found: object) -> list[Any]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise TypeError("it is no list of strings")
    return found
