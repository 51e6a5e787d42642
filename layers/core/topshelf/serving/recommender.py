"""From a viewer to an answer: the viewer's own list, else what is popular."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from topshelf.errors import UnavailableError
from topshelf.ports import Champion, TopKCache, ViewerShelf
from topshelf.serving.pointer import PointerCache
from topshelf.topk import TopKList, unpack_scores

__all__ = ["Answer", "Recommender", "ScoredItem", "Tier"]

Tier = Literal["own", "popular"]

MAX_SEEN_DAYS = 60
"""Days of seen items read at most; a model older than this is an incident of its own."""

NOTHING_SEEN: frozenset[str] = frozenset()


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


class Recommender:
    """Answers from ready lists; one read of the store a request."""

    def __init__(
        self, pointer: PointerCache, lists: TopKCache, clock: Callable[[], datetime]
    ) -> None:
        """Builds a recommender.

        Args:
            pointer: Knows the live version.
            lists: Holds the ready lists.
            clock: The time, with a time zone.
        """
        self._pointer = pointer
        self._lists = lists
        self._clock = clock
        self._popular: tuple[str, TopKList] | None = None

    def recommend(self, user_id: str, num_results: int) -> Answer:
        """The best items for a viewer that the viewer has not seen.

        Raises:
            UnavailableError: No model is released, or neither list can be read.
        """
        champion = self._champion()
        try:
            days = _days(champion.seen_since, self._clock().astimezone(UTC).date())
            shelf = self._lists.read(champion.version, user_id, days)
        except UnavailableError:
            shelf = ViewerShelf(None, NOTHING_SEEN)
        if shelf.own is not None:
            return _answer(shelf.own, shelf.seen, num_results, "own", champion.version)
        return self._answer_popular(champion, shelf.seen, num_results)

    def popular(self, num_results: int) -> Answer:
        """The most popular items.

        Raises:
            UnavailableError: No model is released, or its popular list cannot be read.
        """
        return self._answer_popular(self._champion(), NOTHING_SEEN, num_results)

    def _champion(self) -> Champion:
        champion = self._pointer.get()
        if champion is None:
            raise UnavailableError(
                "no model is released yet; run `topshelf train`, then `topshelf release`"
            )
        return champion

    def _answer_popular(self, champion: Champion, seen: frozenset[str], num_results: int) -> Answer:
        # A version's lists never change, so one read serves the life of the process.
        if self._popular is None or self._popular[0] != champion.version:
            found = self._lists.popular(champion.version)
            if found is None:
                raise UnavailableError(f"{champion.version} has no popular list; release it again")
            self._popular = (champion.version, found)
        return _answer(self._popular[1], seen, num_results, "popular", champion.version)


def _days(first: date, last: date) -> list[date]:
    """The days from first to last, newest first, at most MAX_SEEN_DAYS."""
    count = min(max((last - first).days + 1, 1), MAX_SEEN_DAYS)
    return [last - timedelta(days=back) for back in range(count)]


def _answer(
    ready: TopKList, seen: frozenset[str], num_results: int, tier: Tier, version: str
) -> Answer:
    scored = zip(ready.item_ids(), unpack_scores(ready.scores), strict=True)
    kept = [ScoredItem(item, score) for item, score in scored if item not in seen]
    return Answer(tuple(kept[:num_results]), tier, version, ready.generated_at)
