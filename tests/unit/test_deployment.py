"""New code of the API's functions, asked before it is given traffic."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders.apis import FakeApis
from tests.builders.recommend_api import Api
from topshelf.deployment import CheckFailedError, Kind, check_function
from topshelf.errors import UnavailableError
from topshelf.web.callers import Callers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SCOPE = "topshelf/admin"


class Asking:
    """Asks, and remembers what was asked and how long it waited."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.waited: list[float] = []

    def check(self, kind: Kind) -> None:
        def invoke(event: dict[str, Any]) -> Any:
            # As Lambda does: through JSON.
            self.asked.append(event["requestContext"]["routeKey"])
            return self._answer(json.loads(json.dumps(event)))

        check_function(kind, invoke, admin_scope=SCOPE, now=NOW, sleep=self.waited.append)


def said(status: int, body: Any) -> dict[str, Any]:
    return {"statusCode": status, "body": body if isinstance(body, str) else json.dumps(body)}


@pytest.mark.parametrize("authorizer", ["iam", "jwt", "none"])
def test_both_functions_pass_whatever_stands_before_them(authorizer: Any) -> None:
    apis = FakeApis(Callers(authorizer, SCOPE))
    for kind, name, asked in (
        ("recommend", "RecommendApi", ["GET /openapi.json", "GET /v1/popular"]),
        ("ingest", "IngestEvents", ["POST /v1/events"]),
    ):
        asking = Asking(lambda event, name=name: apis.handlers[name](event, None))  # type: ignore[misc]
        asking.check(kind)  # type: ignore[arg-type]
        assert (asking.asked, asking.waited) == (asked, [])
    assert apis.log.requests == []
    assert apis.activity.events == {}


def test_before_the_first_release_it_passes() -> None:
    api = Api()
    api.registry.live = None
    Asking(lambda event: api.handler(event, None)).check("recommend")


def test_code_that_reaches_no_store_does_not_pass() -> None:
    api = Api()
    api.registry.down = True
    asking = Asking(lambda event: api.handler(event, None))
    with pytest.raises(CheckFailedError, match=r"GET /v1/popular: expected 200 .*, got .*503"):
        asking.check("recommend")
    assert asking.waited == [2.0, 2.0]


GOOD = said(200, {"item_list": [{"item_id": "m1"}], "tier": "popular"})
FROM_THE_DEPLOYMENT = said(200, {"item_list": [{"item_id": "m1"}], "tier": "baked"})


def test_a_first_answer_that_came_too_late_is_asked_for_again() -> None:
    answers = [said(200, {"openapi": "3.1.0", "paths": {"/": {}}}), FROM_THE_DEPLOYMENT, GOOD]
    asking = Asking(lambda _: answers.pop(0))
    asking.check("recommend")
    assert (asking.asked[1:], asking.waited) == (["GET /v1/popular"] * 2, [2.0])


@pytest.mark.parametrize(
    "answer",
    [
        FROM_THE_DEPLOYMENT,
        said(200, {"item_list": [], "tier": "popular"}),
        said(200, {"item_list": "m1"}),
        said(200, {}),
        said(200, "<html>"),
        said(200, []),
        {"statusCode": 200, "body": None},
        {"statusCode": "200", "body": GOOD["body"]},
        said(500, {"item_list": [{"item_id": "m1"}]}),
        said(401, {"detail": "send a bearer token"}),
        said(503, {"detail": "no list can be read right now; try again"}),
        {"errorMessage": "No module named 'topshelf'"},
        "text",
        None,
    ],
)
def test_a_wrong_answer_is_told_and_does_not_pass(answer: Any) -> None:
    first = [said(200, {"openapi": "3.1.0", "paths": {"/": {}}})]
    asking = Asking(lambda _: first.pop() if first else answer)
    with pytest.raises(CheckFailedError, match=r"^GET /v1/popular: expected 200"):
        asking.check("recommend")


@pytest.mark.parametrize("answer", [said(202, {}), said(400, {"field": "body"}), said(500, {}), {}])
def test_a_function_that_does_not_refuse_nonsense_does_not_pass(answer: Any) -> None:
    with pytest.raises(CheckFailedError, match=r"^POST /v1/events: expected 400"):
        Asking(lambda _: answer).check("ingest")


@pytest.mark.parametrize("answer", [said(404, {}), said(200, {"openapi": "3.1.0"}), GOOD])
def test_a_description_is_asked_for_first(answer: Any) -> None:
    with pytest.raises(CheckFailedError, match=r"^GET /openapi.json: expected 200"):
        Asking(lambda _: answer).check("recommend")


def test_a_function_that_cannot_be_called_does_not_pass() -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise UnavailableError("it does not start")

    with pytest.raises(UnavailableError, match="does not start"):
        Asking(refuse).check("ingest")
