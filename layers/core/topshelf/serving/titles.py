"""Titles for answers that ask for them; what cannot be read goes without."""

from collections.abc import Mapping, Sequence

from topshelf.errors import UnavailableError
from topshelf.ports import TopKCache
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker

__all__ = ["MAX_TITLES", "Titles"]

MAX_TITLES = 50_000
"""Titles kept in memory at most, some 10 MB."""


class Titles:
    """Titles by item, each read once in the life of a process and version."""

    def __init__(
        self, lists: TopKCache, breaker: CircuitBreaker, baked: BakedList | None = None
    ) -> None:
        """Builds it; nothing is read yet.

        Args:
            lists: Knows the titles.
            breaker: Keeps requests off a store that does not answer.
            baked: Has its own titles; None where the deployment carries none.
        """
        self._lists = lists
        self._breaker = breaker
        self._baked = baked
        self._known: dict[tuple[str, str], str | None] = {}

    def of(self, version: str, item_ids: Sequence[str]) -> Mapping[str, str | None]:
        """The titles of items.

        Args:
            version: Of the model.
            item_ids: At most 100, each once.

        Returns:
            By item id; None where the version has no title, or it cannot be read right now.
        """
        if self._baked is not None and version == self._baked.version:
            return {item: self._baked.titles.get(item) for item in item_ids}
        missing = [item for item in item_ids if (version, item) not in self._known]
        if missing:
            if len(self._known) + len(missing) > MAX_TITLES:
                self._known.clear()
                missing = list(item_ids)
            self._read(version, missing)
        return {item: self._known.get((version, item)) for item in item_ids}

    def _read(self, version: str, item_ids: Sequence[str]) -> None:
        try:
            found = self._breaker.call(lambda: self._lists.titles(version, item_ids))
        except UnavailableError:
            return
        self._known.update(((version, item), found.get(item)) for item in item_ids)
