"""Lines of DynamoDB's import format for many lists at once.

topshelf.aws.topk_table.import_line writes one, and says what a line looks like: it is asked once,
for a list whose parts are marks, and what stands between the marks is kept.
"""

import json
import re
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from topshelf.aws.topk_table import import_line
from topshelf.ids import IdMap, ItemId, ItemRow, UserId, UserRow
from topshelf.ranking import NO_ITEM
from topshelf.topk import MAX_FLOAT16, TopKList
from training.viewer_lists import ListBlock

__all__ = ["ImportLines"]

_USER, _ITEMS, _SCORES, _HISTORY, _BECAUSE = "<user>", "<items>", b"<score>", b"<seen>", b"<why>"
_UNCLICKED = b"<never taken>"
_LENIENCY = 12345.678
"""No scale of ratings is so wide."""


class ImportLines:
    """Writes blocks of lists as lines; threads may share it."""

    def __init__(
        self,
        users: IdMap[UserId, UserRow],
        items: IdMap[ItemId, ItemRow],
        newest_event: int,
        leniencies: NDArray[np.float64] | None = None,
        *,
        exposed: bool = False,
    ) -> None:
        """Prepares what all lines have in common.

        Args:
            users: Ids of the viewers.
            items: Ids of the items.
            newest_event: UTC milliseconds.
            leniencies: Of the viewers, (n_users,); None where they count for nothing.
            exposed: Whether what viewers never took counts: blocks tell it.
        """
        self._users = users
        self._leniencies = leniencies
        self._names = [_escaped(name) for name in items.ids]
        marked = TopKList(
            _ITEMS,
            _SCORES,
            _HISTORY,
            _BECAUSE,
            "batch",
            newest_event,
            leniency=None if leniencies is None else _LENIENCY,
            unclicked=_UNCLICKED if exposed else None,
        )
        packed = [b64encode(mark) for mark in (_SCORES, _HISTORY, _BECAUSE, _UNCLICKED)]
        named = [_USER.encode(), _ITEMS.encode(), *packed, str(_LENIENCY).encode()]
        marks = b"|".join(map(re.escape, named))
        self._between = re.split(marks, import_line(_USER, marked))

    def of(self, block: ListBlock) -> Iterator[bytes]:
        """The line of each viewer of a block."""
        names = self._names
        head, a, b, c, d, *tail = self._between
        lengths = (block.ranked.rows != NO_ITEM).sum(axis=1).tolist()
        ranked = block.ranked.rows.tolist()
        scores = np.clip(block.ranked.scores, -MAX_FLOAT16, MAX_FLOAT16).astype("<f2")
        because = block.because.astype("<u4")
        histories = block.histories
        bounds = histories.indptr.tolist()
        seen = histories.rows.astype("<u4")
        sure = np.clip(histories.confidences, -MAX_FLOAT16, MAX_FLOAT16).astype("<f2")
        for place, length in enumerate(lengths):
            own = slice(bounds[place], bounds[place + 1])
            yield b"".join(
                (
                    head,
                    _escaped(self._users.ids[block.start + place]),
                    a,
                    b" ".join([names[row] for row in ranked[place][:length]]),
                    b,
                    b2a_base64(scores[place, :length], newline=False),
                    c,
                    b2a_base64(seen[own].tobytes() + sure[own].tobytes(), newline=False),
                    d,
                    b2a_base64(because[place, :length], newline=False),
                    *self._end(block, place, tail),
                )
            )

    def _end(self, block: ListBlock, place: int, tail: list[bytes]) -> Iterator[bytes]:
        """What only some models tell of a viewer."""
        between = iter(tail)
        yield next(between)
        if self._leniencies is not None:
            yield str(float(self._leniencies[block.start + place])).encode()
            yield next(between)
        if (rows := block.never_taken(place)) is not None:
            yield b2a_base64(rows.astype("<u4").tobytes(), newline=False)
            yield next(between)


def _escaped(name: str) -> bytes:
    """As a JSON string, without its quotes."""
    return json.dumps(name)[1:-1].encode()
