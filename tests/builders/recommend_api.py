"""The API that answers viewers, over fakes."""

import json
import random
from datetime import UTC, date, datetime
from typing import Any

from aws_lambda_powertools import Logger

from tests.builders.gateway import http_event
from tests.fakes.event_ports import FakeMetrics
from tests.fakes.model_ports import FakeRegistry
from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.errors import UnavailableError
from topshelf.ports import Champion
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists
from topshelf.serving.recommender import Recommender
from topshelf.serving.titles import Titles
from topshelf.web import recommend
from topshelf.web.app import lambda_handler_of

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEY, OLD_KEY = b"k" * 64, b"o" * 64


class Api:
    """The API over fakes, with a model live."""

    def __init__(self) -> None:
        self.registry = FakeRegistry(Champion("v1", None, date(2026, 1, 1), 1))
        self.lists = FakeLists()
        self.lists.charts["v1"] = ready_list("p1", "p2", "p3", generated_at=5)
        self.lists.own["v1", "u1"] = ready_list("m1", "m2", "m3", generated_at=7)
        self.metrics = FakeMetrics()
        self.secret_is_missing = False
        pointer = PointerCache(self.registry, ttl=5, monotonic=lambda: 0.0)
        breaker = CircuitBreaker(lambda: 0.0)
        popular = PopularLists(self.lists, breaker)
        self._handler = lambda_handler_of(
            recommend.create_recommend_app(
                Recommender(pointer, self.lists, popular, lambda: NOW, breaker=breaker),
                Titles(self.lists, breaker),
                pointer,
                self.registry,
                self,
                metrics=self.metrics,
                clock=lambda: NOW,
                monotonic=lambda: 0.0,
                rng=random.Random(1),
                logger=Logger(service="test"),
            )
        )

    def current(self) -> bytes:
        if self.secret_is_missing:
            raise UnavailableError("no secret")
        return KEY

    def accepted(self) -> tuple[bytes, ...]:
        return KEY, OLD_KEY

    def get(self, path: str, query: str = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers; ``if_none_match=...`` sends the header If-None-Match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._handler(http_event("GET", path, query=query, headers=sent), None)
        is_json = answer["body"] and "json" in answer["headers"]["content-type"]
        body = json.loads(answer["body"]) if is_json else answer["body"]
        return answer["statusCode"], body, answer["headers"]
