"""From a viewer to an answer: the fallback chain, tier by tier.

The viewer's own list; the previous version's; what is popular in the viewer's context; what is
popular; the list baked into the deployment. A store that is slow or gone costs a tier, not the
request. A further page stays on the version of the first, while that can be read.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from topshelf.errors import NoModelError, NotFoundError, UnavailableError
from topshelf.ports import Champion, TopKCache, ViewerShelf
from topshelf.serving.answers import Answer, Found, answer_of
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pages import Page, gone, only_of
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists

__all__ = ["MAX_SEEN_DAYS", "Recommender"]

MAX_SEEN_DAYS = 60
"""Days of seen items read at most; a model older than this is an incident of its own."""


class Recommender:
    """Answers from ready lists; a viewer who has one costs one read of the store."""

    def __init__(
        self,
        pointer: PointerCache,
        lists: TopKCache,
        popular: PopularLists,
        clock: Callable[[], datetime],
        *,
        breaker: CircuitBreaker,
    ) -> None:
        """Builds a recommender.

        Args:
            pointer: Knows the live version.
            lists: Holds the ready lists.
            popular: The tiers that know no viewer.
            clock: The time, with a time zone.
            breaker: Keeps requests off a store that does not answer.
        """
        self._pointer = pointer
        self._lists = lists
        self._popular = popular
        self._clock = clock
        self._breaker = breaker

    def recommend(
        self, user_id: str, num_results: int, context: str = "", page: Page | None = None
    ) -> Answer:
        """The best items for a viewer that the viewer has not seen.

        Args:
            user_id: The viewer.
            num_results: How many items at most.
            context: Of the viewer, ``genre:Drama`` for one; empty for none.
            page: Where to go on in an earlier answer to this viewer; None to begin.

        Raises:
            GoneError: The page's version is no longer served.
            InvalidInputError: The page is not of such an answer.
            UnavailableError: No model is released, or no tier has a list.
        """
        only_of(page, "own", "previous", "popular_in_context", "popular", "baked")
        champion = self._champion()
        if champion is None:
            return self._chart(None, num_results, context, page)
        if page is not None and page.tier in ("own", "previous"):
            return self._go_on(champion, user_id, num_results, context, page)
        shelf = self._read(champion.version, user_id, champion.seen_since)
        if page is None:
            if shelf is not None and shelf.own is not None:
                # Read while the store is well, for the moment when it is not.
                self._popular.of(champion.version, "")
                found = Found(shelf.own, "own", champion.version)
                return answer_of(found, shelf.seen, num_results)
            if answer := self._previous(champion, user_id, num_results):
                return answer
        return self._chart(champion, num_results, context, page, shelf)

    def popular(self, num_results: int, context: str = "", page: Page | None = None) -> Answer:
        """The most popular items, in a context if one is given; see recommend for the rest."""
        only_of(page, "popular_in_context", "popular", "baked")
        return self._chart(self._champion(), num_results, context, page)

    def similar(self, item_id: str, num_results: int, page: Page | None = None) -> Answer:
        """The items most like an item; what is popular where that cannot be read.

        Raises:
            GoneError: As recommend.
            InvalidInputError: As recommend.
            NotFoundError: The version does not know the item.
            UnavailableError: As recommend.
        """
        only_of(page, "similar", "popular", "baked")
        champion = self._champion()
        if champion is None or (page is not None and page.tier != "similar"):
            return self._chart(champion, num_results, "", page)
        version = page.version if page is not None else champion.version
        if version not in (champion.version, champion.previous):
            raise gone(version)
        try:
            ready = self._breaker.call(lambda: self._lists.similar(version, item_id))
        except UnavailableError:
            return self._chart(champion, num_results, "")
        if ready is None:
            raise NotFoundError(f"{version} knows no item {item_id!r}", field="item_id")
        start = page.rank if page is not None else 0
        return answer_of(Found(ready, "similar", version), frozenset(), num_results, start)

    def _champion(self) -> Champion | None:
        """The live version; None if nobody knows it and there is a baked list to fall back to."""
        try:
            champion = self._pointer.get()
        except UnavailableError:
            if not self._popular.is_baked:
                raise
            return None
        if champion is None:
            raise NoModelError
        return champion

    def _read(self, version: str, user_id: str, seen_since: date) -> ViewerShelf | None:
        """The viewer's list and what was seen since; None if they cannot be read."""
        days = _days(seen_since, self._clock().astimezone(UTC).date())
        try:
            return self._breaker.call(lambda: self._lists.read(version, user_id, days))
        except UnavailableError:
            return None

    def _previous(self, champion: Champion, user_id: str, num_results: int) -> Answer | None:
        if champion.previous is None or champion.previous_seen_since is None:
            return None
        # The previous version knows less: what was seen since its own snapshot is left out.
        shelf = self._read(champion.previous, user_id, champion.previous_seen_since)
        if shelf is None or shelf.own is None:
            return None
        found = Found(shelf.own, "previous", champion.previous)
        return answer_of(found, shelf.seen, num_results)

    def _go_on(
        self, champion: Champion, user_id: str, num_results: int, context: str, page: Page
    ) -> Answer:
        """A further page of a viewer's own list, live or, since a release, the previous one."""
        is_live = page.version == champion.version
        since = champion.seen_since if is_live else champion.previous_seen_since
        if since is None or not (is_live or page.version == champion.previous):
            raise gone(page.version)
        shelf = self._read(page.version, user_id, since)
        if shelf is None:
            return self._chart(champion, num_results, context)
        if shelf.own is None:
            raise gone(page.version)
        found = Found(shelf.own, "own" if is_live else "previous", page.version)
        return answer_of(found, shelf.seen, num_results, page.rank)

    def _chart(
        self,
        champion: Champion | None,
        num_results: int,
        context: str,
        page: Page | None = None,
        shelf: ViewerShelf | None = None,
    ) -> Answer:
        """What is popular, without what the viewer has seen if that could be read."""
        seen = shelf.seen if shelf is not None else frozenset[str]()
        if page is not None and (found := self._popular.go_on(champion, context, page)):
            return answer_of(found, seen, num_results, page.rank)
        return answer_of(self._popular.first(champion, context), seen, num_results)


def _days(first: date, last: date) -> list[date]:
    """The days from first to last, newest first, at most MAX_SEEN_DAYS."""
    count = min(max((last - first).days + 1, 1), MAX_SEEN_DAYS)
    return [last - timedelta(days=back) for back in range(count)]
