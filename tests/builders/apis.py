"""Both functions over fakes, as Lambda handlers by the name that template.yaml gives them."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI

from tests.builders.recommend_api import EVERYBODY, KEY, NOW, Api
from tests.fakes.event_ports import FakeActivity, FakeLog, FakeMetrics
from tests.fakes.serving_ports import ready_list
from topshelf.events import DEFAULT_POLICY
from topshelf.manifest import version_hash
from topshelf.serving.recommendation_id import RecommendationId, sign
from topshelf.web.app import lambda_handler_of
from topshelf.web.callers import Callers
from topshelf.web.events import create_ingest_app

__all__ = ["FakeApis", "Handler"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class FakeApis:
    """A model is live, a viewer ``u1`` has a list, an item ``m1`` has items like it.

    Attributes:
        log: What reached the lake.
        activity: What reached the activity table.
        recommendation_id: One whose provenance is known.
        apps: The applications, by logical id.
        handlers: As Lambda calls them, the same.
    """

    def __init__(self, callers: Callers = EVERYBODY) -> None:
        self.log, self.activity = FakeLog(), FakeActivity()
        api = Api(callers)
        api.remember_model()
        api.lists.alike["v1", "m1"] = ready_list("m2", "m3")
        said = RecommendationId(int(NOW.timestamp() * 1000), version_hash("v1"), "champion", "own")
        self.recommendation_id = sign(said, b"1234", KEY)
        self.apps: dict[str, FastAPI] = {
            "RecommendApi": api.app,
            "IngestEvents": self._ingest(callers),
        }
        self.handlers: dict[str, Handler] = {
            name: lambda_handler_of(app) for name, app in self.apps.items()
        }

    def _ingest(self, callers: Callers) -> FastAPI:
        return create_ingest_app(
            self.log,
            self.activity,
            FakeMetrics(),
            DEFAULT_POLICY,
            callers=callers,
            clock=lambda: NOW,
            logger=Logger(service="test"),
        )
