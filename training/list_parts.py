"""The viewers' lists as files of an import: parts of so many viewers, each made by itself.

The bytes of a part depend on its own viewers alone, whichever machine makes it beside which others.
"""

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topshelf.rerank import Stage
from topshelf.weighing import Weighing
from training.als import ALSFactors
from training.import_lines import ImportLines
from training.interactions import Interactions
from training.pool import in_threads
from training.viewer_lists import ViewerLists

__all__ = ["ListPart", "ListParts", "packed", "part_name", "sampled_viewers"]

_LEVEL = 1
"""Of gzip: 6 takes three times the time for a tenth fewer bytes; ids and base64 hold little air."""


@dataclass(frozen=True, slots=True)
class ListPart:
    """A part.

    Attributes:
        start: Row of its first viewer.
        content: Gzipped lines.
        tastes: Of its viewers, (n, f) float32.
        sample: Items of the sampled among them, by id.
    """

    start: int
    content: bytes
    tastes: NDArray[np.float32]
    sample: Mapping[str, str]


class ListParts:
    """Makes parts, some at once."""

    def __init__(
        self,
        data: Interactions,
        factors: ALSFactors,
        weighing: Weighing,
        stages: tuple[Stage, ...],
        *,
        sampled: frozenset[int],
        head: bytes = b"",
    ) -> None:
        """Prepares what all parts have in common.

        Args:
            data: Of all viewers, or of those whose lists are made here.
            factors: Of the items, and the regularization of tastes.
            weighing: Of histories.
            stages: That put lists into another order.
            sampled: Rows of the viewers whose lists are told apart.
            head: Lines that stand before those of the first viewer.
        """
        self._data = data
        self._sampled = sampled
        self._head = head
        self._lists = ViewerLists(data, factors, weighing, stages)
        self._lines = ImportLines(
            data.users,
            data.items,
            data.newest_event,
            data.leniencies,
            exposed=data.exposures is not None,
        )

    def made(self, size: int) -> Iterator[ListPart]:
        """All parts in order.

        Args:
            size: Viewers a part; memory holds one a core.
        """
        total = len(self._data.users)

        def part(start: int) -> ListPart:
            return self._part(start, min(start + size, total))

        return in_threads(part, range(0, total, size))

    def _part(self, start: int, stop: int) -> ListPart:
        """One thread makes a part from first to last: its bytes do not depend on the others."""
        lines = [self._head] if start == 0 else []
        tastes: list[NDArray[np.float32]] = []
        sample: dict[str, str] = {}
        for block in self._lists.blocks(start, stop):
            lines.extend(self._lines.of(block))
            tastes.append(block.tastes)
            for row in sorted(self._sampled & set(block.viewers)):
                names = self._data.items.names(block.items_of(row))
                sample[self._data.users.ids[row]] = " ".join(names)
        return ListPart(start, packed(lines), np.concatenate(tastes), sample)


def sampled_viewers(total: int, most: int) -> frozenset[int]:
    """Rows evenly spread over the viewers, so that a sample meets every part of the import."""
    sampled = min(total, most)
    return frozenset(i * total // sampled for i in range(sampled))


def part_name(number: int) -> str:
    """Where a part lies in an artefact."""
    return f"topk/part-{number:05d}.json.gz"


def packed(lines: Iterable[bytes]) -> bytes:
    """Lines as a gzipped file: the same lines, the same bytes."""
    return gzip.compress(b"".join(lines), _LEVEL, mtime=0)
