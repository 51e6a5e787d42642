"""The ready list: one viewer's top-K items, packed into scalars so that a million stay small.

Free of numpy: the API handlers decode lists with the standard library alone.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "POPULAR_KEY",
    "TOP_K",
    "Source",
    "TopKList",
    "pack_history",
    "pack_rows",
    "pack_scores",
    "popular_key",
    "similar_key",
    "table_name",
    "unpack_history",
    "unpack_rows",
    "unpack_scores",
]

TOP_K = 100
"""Length of a ready list."""

POPULAR_KEY = " popular"
"""Key of the popular list in a version's table. No user id holds a space, so none can meet it."""

MAX_FLOAT16 = 65504.0

Source = Literal["batch", "refresh"]


@dataclass(frozen=True, slots=True)
class TopKList:
    """One row of the top-K table.

    Attributes:
        items: Item ids, best first, joined by single spaces.
        scores: float16, little endian, in the order of the items.
        history: Training interactions, see pack_history.
        because: For each item the row of the history item that explains it best, see pack_rows.
        source: ``batch`` (training) or ``refresh`` (fold-in after new activity).
        generated_at: Newest event's time that the list knows, UTC milliseconds.
        revision: How often the list was replaced since the batch; the store counts.
        title: Of the item, in the list of what is like it; empty where it is not known.
        leniency: Of the viewer, see topshelf.leniency; None where ratings count as they are.
        unclicked: Rows of items that the viewer was often shown and never took, see pack_rows; None
            where that counts for nothing.
    """

    items: str
    scores: bytes
    history: bytes
    because: bytes
    source: Source
    generated_at: int
    revision: int = 0
    title: str = ""
    leniency: float | None = None
    unclicked: bytes | None = None

    def item_ids(self) -> list[str]:
        """The item ids, best first."""
        return self.items.split(" ") if self.items else []


def table_name(prefix: str, version: str) -> str:
    """The table of one model version: ``<prefix>-<version>``."""
    return f"{prefix}-{version}"


def popular_key(context: str = "") -> str:
    """Key of what is popular: everywhere, or in a context such as ``genre:Drama``."""
    return f"{POPULAR_KEY} {context}" if context else POPULAR_KEY


def similar_key(item_id: str) -> str:
    """Key of the items that are like an item."""
    return f" similar {item_id}"


def pack_scores(scores: Sequence[float]) -> bytes:
    """Scores as float16, little endian; values past float16's range are held at its ends."""
    held = [min(max(score, -MAX_FLOAT16), MAX_FLOAT16) for score in scores]
    return struct.pack(f"<{len(held)}e", *held)


def unpack_scores(packed: bytes) -> tuple[float, ...]:
    """The inverse of pack_scores, up to float16's precision."""
    return struct.unpack(f"<{len(packed) // 2}e", packed)


def pack_rows(rows: Sequence[int]) -> bytes:
    """Item rows (positions in the version's item id list) as uint32, little endian."""
    return struct.pack(f"<{len(rows)}I", *rows)


def unpack_rows(packed: bytes) -> tuple[int, ...]:
    """The inverse of pack_rows."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def pack_history(rows: Sequence[int], confidences: Sequence[float]) -> bytes:
    """A viewer's training interactions: all rows (uint32), then all confidences (float16).

    Args:
        rows: Item rows, (n,).
        confidences: Their confidences, (n,), in the same order.

    Returns:
        6 n bytes.

    Raises:
        ValueError: The two differ in length.
    """
    if len(rows) != len(confidences):
        raise ValueError(f"{len(rows)} rows but {len(confidences)} confidences")
    return pack_rows(rows) + pack_scores(confidences)


def unpack_history(packed: bytes) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The inverse of pack_history: rows (n,) and confidences (n,)."""
    n = len(packed) // 6
    return unpack_rows(packed[: 4 * n]), unpack_scores(packed[4 * n : 6 * n])
