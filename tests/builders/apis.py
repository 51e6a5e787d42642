"""Both functions over fakes, as Lambda handlers by the name that template.yaml gives them."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from aws_lambda_powertools import Logger

from tests.fakes.event_ports import FakeActivity, FakeLog, FakeMetrics
from tests.fakes.model_ports import FakeRegistry
from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.events import DEFAULT_POLICY
from topshelf.manifest import version_hash
from topshelf.ports import Champion
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists
from topshelf.serving.recommendation_id import RecommendationId, sign
from topshelf.serving.recommender import Recommender
from topshelf.serving.titles import Titles
from topshelf.web.app import lambda_handler_of
from topshelf.web.events import create_ingest_app
from topshelf.web.recommend import create_recommend_app

__all__ = ["FakeApis", "Handler"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
_KNOWN = {
    "git_commit": "abc",
    "parent_version": "",
    "manifest": "models/v1/manifest.json",
    "parameters": '{"als": {"factors": 64}}',
    "seed": "42",
    "data_taken_at": "1",
    "data_newest_event": "2",
    "data_objects": "3",
    "data_sha256": "0" * 64,
}


class _Keys:
    def current(self) -> bytes:
        return b"k" * 64

    def accepted(self) -> tuple[bytes, ...]:
        return (self.current(),)


class FakeApis:
    """A model is live, a viewer ``u1`` has a list, an item ``m1`` has items like it.

    Attributes:
        log: What reached the lake.
        activity: What reached the activity table.
        recommendation_id: One whose provenance is known.
        handlers: By logical id.
    """

    def __init__(self) -> None:
        self.log, self.activity = FakeLog(), FakeActivity()
        keys = _Keys()
        said = RecommendationId(int(_NOW.timestamp() * 1000), version_hash("v1"), "champion", "own")
        self.recommendation_id = sign(said, b"1234", keys.current())
        self.handlers: dict[str, Handler] = {
            "RecommendApi": lambda_handler_of(self._recommend(keys)),
            "IngestEvents": lambda_handler_of(self._ingest()),
        }

    def _recommend(self, keys: _Keys) -> Any:
        registry = FakeRegistry(Champion("v1", None, date(2026, 1, 1), 1))
        registry.record("v1", "imported", _KNOWN)
        registry.record(version_hash("v1").hex(), "alias", {"version": "v1"})
        lists = FakeLists()
        lists.charts["v1"] = ready_list("p1", "p2", "p3", generated_at=5)
        lists.own["v1", "u1"] = ready_list("m1", "m2", "m3", generated_at=7)
        lists.alike["v1", "m1"] = ready_list("m2", "m3")
        pointer = PointerCache(registry, ttl=5, monotonic=lambda: 0.0)
        breaker = CircuitBreaker(lambda: 0.0)
        popular = PopularLists(lists, breaker)
        return create_recommend_app(
            Recommender(pointer, lists, popular, lambda: _NOW, breaker=breaker),
            Titles(lists, breaker),
            pointer,
            registry,
            keys,
            metrics=FakeMetrics(),
            clock=lambda: _NOW,
            monotonic=lambda: 0.0,
            rng=random.Random(1),
            logger=Logger(service="test"),
        )

    def _ingest(self) -> Any:
        return create_ingest_app(
            self.log,
            self.activity,
            FakeMetrics(),
            DEFAULT_POLICY,
            clock=lambda: _NOW,
            logger=Logger(service="test"),
        )
