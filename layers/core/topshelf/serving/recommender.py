"""From a viewer to an answer: the fallback chain, tier by tier.

The viewer's own list; the previous version's; what is popular in the viewer's context; what is
popular; the list baked into the deployment. A store that is slow or gone costs a tier, not the
request.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from topshelf.errors import NotFoundError, UnavailableError
from topshelf.ports import Champion, TopKCache, ViewerShelf
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.topk import TopKList, unpack_scores

__all__ = ["Answer", "Recommender", "ScoredItem", "Tier"]

Tier = Literal["own", "previous", "popular_in_context", "popular", "baked", "similar"]

MAX_SEEN_DAYS = 60
"""Days of seen items read at most; a model older than this is an incident of its own."""

MAX_CONTEXTS = 200
"""Popular lists kept in memory at most."""


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One recommended item and its score; scores compare within one answer only."""

    item_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What is served.

    Attributes:
        items: Best first.
        tier: Which tier of the fallback chain answered.
        version: Model version.
        generated_at: Newest event's time that the list knows, UTC milliseconds.
    """

    items: tuple[ScoredItem, ...]
    tier: Tier
    version: str
    generated_at: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A list that a tier has found."""

    ready: TopKList
    tier: Tier
    version: str


class Recommender:
    """Answers from ready lists; a viewer who has one costs one read of the store."""

    def __init__(
        self,
        pointer: PointerCache,
        lists: TopKCache,
        clock: Callable[[], datetime],
        *,
        breaker: CircuitBreaker,
        baked: BakedList | None = None,
    ) -> None:
        """Builds a recommender.

        Args:
            pointer: Knows the live version.
            lists: Holds the ready lists.
            clock: The time, with a time zone.
            breaker: Keeps requests off a store that does not answer.
            baked: The last resort; None where the deployment carries none.
        """
        self._pointer = pointer
        self._lists = lists
        self._clock = clock
        self._breaker = breaker
        self._baked = baked
        # A version's lists never change: each is read once in the life of the process.
        self._popular: dict[tuple[str, str], TopKList | None] = {}

    def recommend(self, user_id: str, num_results: int, context: str = "") -> Answer:
        """The best items for a viewer that the viewer has not seen.

        Args:
            user_id: The viewer.
            num_results: How many items at most.
            context: Of the viewer, ``genre:Drama`` for one; empty for none.

        Raises:
            UnavailableError: No model is released, or no tier has a list.
        """
        champion = self._champion()
        shelf = self._read(champion.version, user_id, champion.seen_since) if champion else None
        if champion and shelf and shelf.own is not None:
            # Read while the store is well, for the moment when it is not.
            self._popular_list(champion.version, "")
            found, seen = _Found(shelf.own, "own", champion.version), shelf.seen
            return _answer(found, seen, num_results)
        if champion and (earlier := self._read_previous(champion, user_id)):
            found, seen = earlier
            return _answer(found, seen, num_results)
        seen = shelf.seen if shelf else frozenset()
        return _answer(self._first_of(champion, context), seen, num_results)

    def popular(self, num_results: int, context: str = "") -> Answer:
        """The most popular items, in a context if one is given.

        Raises:
            UnavailableError: As recommend.
        """
        return _answer(self._first_of(self._champion(), context), frozenset(), num_results)

    def similar(self, item_id: str, num_results: int) -> Answer:
        """The items most like an item; what is popular where that cannot be read.

        Raises:
            NotFoundError: The live version does not know the item.
            UnavailableError: As recommend.
        """
        champion = self._champion()
        if champion is None:
            return _answer(self._first_of(None, ""), frozenset(), num_results)
        version = champion.version
        try:
            ready = self._breaker.call(lambda: self._lists.similar(version, item_id))
        except UnavailableError:
            return _answer(self._first_of(champion, ""), frozenset(), num_results)
        if ready is None:
            raise NotFoundError(f"{version} knows no item {item_id!r}")
        return _answer(_Found(ready, "similar", version), frozenset(), num_results)

    def _champion(self) -> Champion | None:
        """The live version; None if nobody knows it and there is a baked list to fall back to."""
        try:
            champion = self._pointer.get()
        except UnavailableError:
            if self._baked is None:
                raise
            return None
        if champion is None:
            raise UnavailableError(
                "no model is released yet; run `topshelf train`, then `topshelf release`"
            )
        return champion

    def _read(self, version: str, user_id: str, seen_since: date) -> ViewerShelf | None:
        """The viewer's list and what was seen since; None if they cannot be read."""
        days = _days(seen_since, self._clock().astimezone(UTC).date())
        try:
            return self._breaker.call(lambda: self._lists.read(version, user_id, days))
        except UnavailableError:
            return None

    def _read_previous(
        self, champion: Champion, user_id: str
    ) -> tuple[_Found, frozenset[str]] | None:
        if champion.previous is None or champion.previous_seen_since is None:
            return None
        # The previous version knows less: what was seen since its own snapshot is left out.
        shelf = self._read(champion.previous, user_id, champion.previous_seen_since)
        if shelf is None or shelf.own is None:
            return None
        return _Found(shelf.own, "previous", champion.previous), shelf.seen

    def _first_of(self, champion: Champion | None, context: str) -> _Found:
        for found in self._popular_tiers(champion, context):
            return found
        raise UnavailableError("no list can be read right now; try again")

    def _popular_tiers(self, champion: Champion | None, context: str) -> Iterator[_Found]:
        if champion is not None:
            if context and (ready := self._popular_list(champion.version, context)):
                yield _Found(ready, "popular_in_context", champion.version)
            if ready := self._popular_list(champion.version, ""):
                yield _Found(ready, "popular", champion.version)
        # Better an older version's than a list from the day of the deployment.
        for (version, known_context), remembered in reversed(self._popular.items()):
            if remembered and not known_context:
                yield _Found(remembered, "popular", version)
        if self._baked is not None:
            yield _Found(self._baked.ready, "baked", self._baked.version)

    def _popular_list(self, version: str, context: str) -> TopKList | None:
        key = version, context
        if key not in self._popular:
            try:
                found = self._breaker.call(lambda: self._lists.popular(version, context))
            except UnavailableError:
                return None
            if len(self._popular) >= MAX_CONTEXTS:
                # Contexts come from callers: the oldest makes room, the general lists stay.
                del self._popular[next(old for old in self._popular if old[1] or old[0] != version)]
            self._popular[key] = found
        return self._popular[key]


def _days(first: date, last: date) -> list[date]:
    """The days from first to last, newest first, at most MAX_SEEN_DAYS."""
    count = min(max((last - first).days + 1, 1), MAX_SEEN_DAYS)
    return [last - timedelta(days=back) for back in range(count)]


def _answer(found: _Found, seen: frozenset[str], num_results: int) -> Answer:
    scored = zip(found.ready.item_ids(), unpack_scores(found.ready.scores), strict=True)
    kept = [ScoredItem(item, score) for item, score in scored if item not in seen]
    return Answer(tuple(kept[:num_results]), found.tier, found.version, found.ready.generated_at)
