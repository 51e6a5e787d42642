"""A recommender over fakes."""

from collections.abc import Callable
from datetime import datetime

from tests.fakes.model_ports import FakeRegistry
from tests.fakes.serving_ports import FakeLists
from topshelf.ports import Champion
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists
from topshelf.serving.recommender import Recommender

__all__ = ["Shelf"]


class Shelf:
    """Lists, a registry, and a recommender that looks up what is live with every request.

    A failing read is tried again with the next request, unless it took its time.

    Args:
        live: What is released.
        now: The time of every request.
        lists: Empty ones unless given.
        baked: The last tier.
        monotonic: A clock; it stands unless given.
    """

    def __init__(
        self,
        live: Champion,
        now: datetime,
        *,
        lists: FakeLists | None = None,
        baked: BakedList | None = None,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.lists, self.registry = lists or FakeLists(), FakeRegistry(live)
        self.breaker = CircuitBreaker(monotonic, quick_failures=1_000)
        self.pointer = PointerCache(self.registry, ttl=0, monotonic=monotonic)
        self.recommender = Recommender(
            self.pointer,
            self.lists,
            PopularLists(self.lists, self.breaker, baked),
            lambda: now,
            breaker=self.breaker,
        )
