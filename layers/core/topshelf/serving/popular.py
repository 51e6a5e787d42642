"""The tiers that know no viewer: popular in a context, popular, and the list baked in."""

from collections.abc import Iterator

from topshelf.errors import InvalidInputError, UnavailableError
from topshelf.ports import Champion, TopKCache
from topshelf.serving.answers import Found
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pages import Page, gone
from topshelf.topk import TopKList

__all__ = ["MAX_CONTEXTS", "PopularLists"]

MAX_CONTEXTS = 200
"""Popular lists kept in memory at most."""


class PopularLists:
    """Popular lists, each read once in the life of the process: a version's never change."""

    def __init__(
        self, lists: TopKCache, breaker: CircuitBreaker, baked: BakedList | None = None
    ) -> None:
        """Builds it; nothing is read yet.

        Args:
            lists: Holds the ready lists.
            breaker: Keeps requests off a store that does not answer.
            baked: The last resort; None where the deployment carries none.
        """
        self._lists = lists
        self._breaker = breaker
        self._baked = baked
        self._known: dict[tuple[str, str], TopKList | None] = {}

    @property
    def is_baked(self) -> bool:
        """Whether there is an answer even when no store gives one."""
        return self._baked is not None

    def forget(self) -> None:
        """Reads each list again."""
        self._known.clear()

    def first(self, champion: Champion | None, context: str) -> Found:
        """The best that can be had.

        Args:
            champion: The live version; None if nobody knows it.
            context: Of the viewer; empty for none.

        Raises:
            UnavailableError: No tier has a list.
        """
        for found in self._tiers(champion, context):
            return found
        raise UnavailableError("no list can be read right now; try again")

    def go_on(self, champion: Champion | None, context: str, page: Page) -> Found | None:
        """The list that a page continues; None while that cannot be read.

        Raises:
            GoneError: The page's version is no longer served.
            InvalidInputError: The page is of a context, and none is given.
        """
        if page.tier == "baked":
            if self._baked is None or self._baked.version != page.version:
                raise gone(page.version)
            return Found(self._baked.ready, "baked", page.version)
        if page.tier != "popular_in_context":
            context = ""
        elif not context:
            raise InvalidInputError("context", "send the context of the first page again")
        served = {champion.version, champion.previous} if champion else set()
        if page.version not in served and (page.version, context) not in self._known:
            if champion is None:
                return None
            raise gone(page.version)
        ready = self.of(page.version, context)
        return Found(ready, page.tier, page.version) if ready is not None else None

    def of(self, version: str, context: str) -> TopKList | None:
        """A version's list; None if there is none, or it cannot be read."""
        key = version, context
        if key not in self._known:
            try:
                found = self._breaker.call(lambda: self._lists.popular(version, context))
            except UnavailableError:
                return None
            if len(self._known) >= MAX_CONTEXTS:
                # Contexts come from callers: the oldest makes room, the general lists stay.
                del self._known[next(old for old in self._known if old[1] or old[0] != version)]
            self._known[key] = found
        return self._known[key]

    def _tiers(self, champion: Champion | None, context: str) -> Iterator[Found]:
        if champion is not None:
            if context and (ready := self.of(champion.version, context)):
                yield Found(ready, "popular_in_context", champion.version)
            if ready := self.of(champion.version, ""):
                yield Found(ready, "popular", champion.version)
        # Better an older version's than a list from the day of the deployment.
        for (version, known_context), remembered in reversed(self._known.items()):
            if remembered and not known_context:
                yield Found(remembered, "popular", version)
        if self._baked is not None:
            yield Found(self._baked.ready, "baked", self._baked.version)
