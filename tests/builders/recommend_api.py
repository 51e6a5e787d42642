"""The API that answers viewers, over fakes."""

import json
import random
from datetime import UTC, date, datetime
from typing import Any

from aws_lambda_powertools import Logger

from tests.builders.gateway import http_event
from tests.builders.shelf import Shelf
from tests.fakes.event_ports import FakeMetrics
from tests.fakes.serving_ports import ready_list
from topshelf.errors import UnavailableError
from topshelf.manifest import version_hash
from topshelf.ports import Champion
from topshelf.serving.titles import Titles
from topshelf.web import recommend
from topshelf.web.app import lambda_handler_of
from topshelf.web.callers import Callers

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEY, OLD_KEY = b"k" * 64, b"o" * 64
KNOWN = {
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
EVERYBODY = Callers("iam", "")


class Api:
    """The API over fakes, with a model live; everybody may do everything unless told otherwise.

    Attributes:
        app: The application.
        handler: As Lambda calls it.
    """

    def __init__(self, callers: Callers = EVERYBODY) -> None:
        shelf = Shelf(Champion("v1", None, date(2026, 1, 1), 1), NOW)
        self.registry, self.lists = shelf.registry, shelf.lists
        self.lists.charts["v1"] = ready_list("p1", "p2", "p3", generated_at=5)
        self.lists.own["v1", "u1"] = ready_list("m1", "m2", "m3", generated_at=7)
        self.metrics = FakeMetrics()
        self.secret_is_missing = False
        self.app = recommend.create_recommend_app(
            shelf.recommender,
            Titles(self.lists, shelf.breaker),
            shelf.pointer,
            self.registry,
            self,
            callers=callers,
            metrics=self.metrics,
            clock=lambda: NOW,
            monotonic=lambda: 0.0,
            rng=random.Random(1),
            logger=Logger(service="test"),
        )
        self.handler = lambda_handler_of(self.app)

    def remember_model(self) -> None:
        """The registry knows where the live model comes from."""
        self.registry.record("v1", "imported", KNOWN)
        self.registry.record(version_hash("v1").hex(), "alias", {"version": "v1"})

    def current(self) -> bytes:
        if self.secret_is_missing:
            raise UnavailableError("no secret")
        return KEY

    def accepted(self) -> tuple[bytes, ...]:
        return KEY, OLD_KEY

    def get(self, path: str, query: str = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers; ``if_none_match=...`` sends the header If-None-Match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.handler(http_event("GET", path, query=query, headers=sent), None)
        is_json = answer["body"] and "json" in answer["headers"]["content-type"]
        body = json.loads(answer["body"]) if is_json else answer["body"]
        return answer["statusCode"], body, answer["headers"]
