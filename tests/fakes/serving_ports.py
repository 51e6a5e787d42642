"""Fakes of the ports that answers come from."""

from collections.abc import Sequence
from datetime import date

from topshelf.errors import UnavailableError
from topshelf.ports import ViewerShelf
from topshelf.topk import TopKList, pack_scores


class FakeLists:
    """TopKCache in memory.

    Attributes:
        days: What the last read asked for.
        down: Versions that cannot be read; True for all of them.
    """

    def __init__(self) -> None:
        self.own: dict[tuple[str, str], TopKList] = {}
        self.charts: dict[str, TopKList] = {}
        self.alike: dict[tuple[str, str], TopKList] = {}
        self.seen: dict[tuple[str, date], set[str]] = {}
        self.days: list[date] = []
        self.reads = 0
        self.popular_reads = 0
        self.title_reads: list[tuple[str, ...]] = []
        self.down: bool | set[str] = False

    def read(self, version: str, user_id: str, days: Sequence[date]) -> ViewerShelf:
        self.reads += 1
        self.days = list(days)
        self._answer(version)
        seen = (self.seen.get((user_id, day), set()) for day in days)
        return ViewerShelf(self.own.get((version, user_id)), frozenset[str]().union(*seen))

    def popular(self, version: str, context: str = "") -> TopKList | None:
        self.popular_reads += 1
        self._answer(version)
        return self.charts.get(f"{version} {context}".strip())

    def similar(self, version: str, item_id: str) -> TopKList | None:
        self._answer(version)
        return self.alike.get((version, item_id))

    def titles(self, version: str, item_ids: Sequence[str]) -> dict[str, str]:
        self.title_reads.append(tuple(item_ids))
        self._answer(version)
        rows = ((item, self.alike.get((version, item))) for item in item_ids)
        return {item: row.title for item, row in rows if row is not None and row.title}

    def _answer(self, version: str) -> None:
        if self.down is True or (isinstance(self.down, set) and version in self.down):
            raise UnavailableError("the fake lists are down")


def ready_list(*items: str, generated_at: int = 1) -> TopKList:
    """A list of the items, scored by rank: n, n - 1, ..., 1."""
    scores = pack_scores([float(len(items) - rank) for rank in range(len(items))])
    return TopKList(" ".join(items), scores, b"", b"", "batch", generated_at)
