"""Every route against its OpenAPI description: whatever is sent, the answer is as described.

Requests are made from the description by schemathesis, valid ones and broken ones. They go through
the local gateway's own handling and the Lambda handlers, over fakes.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from requests.adapters import BaseAdapter
from schemathesis.checks import CHECKS, load_all_checks
from urllib3.response import HTTPResponse

from infra.cli.openapi import describe_api
from tests.builders.apis import FakeApis
from tests.builders.front import InProcessGateway

load_all_checks()
AS_DESCRIBED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)
EXAMPLES, MANY_EXAMPLES = 60, 500


def described() -> Any:
    config = schemathesis.Config.from_dict(
        {"generation": {"deterministic": True, "with-security-parameters": False}}
    )
    return schemathesis.openapi.from_dict(describe_api(), config=config)


SCHEMA = described()


class GatewayAdapter(BaseAdapter):
    """Answers the requests of a session without a socket."""

    def __init__(self, gateway: InProcessGateway) -> None:
        super().__init__()
        self._gateway = gateway

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body or b""
        headers = [
            (as_bytes(name), as_bytes(value)) for name, value in (request.headers or {}).items()
        ]
        answer = self._gateway.send(
            request.method or "GET", request.path_url, headers, as_bytes(body)
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(dict(answer.headers))
        response.raw = HTTPResponse(
            io.BytesIO(answer.body), list(answer.headers), answer.status, preload_content=False
        )
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is open."""


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with InProcessGateway(FakeApis().handlers) as gateway, requests.Session() as made:
        made.mount("http://", GatewayAdapter(gateway))
        yield made


def check(case: schemathesis.Case, session: requests.Session) -> None:
    answer = case.call(base_url="http://api.test", session=session)
    if answer.status_code == 404 and answer.json() == {"message": "Not Found"}:
        return  # No route of the HTTP API: nothing of ours is asked.
    case.validate_response(answer, checks=AS_DESCRIBED)
    if answer.status_code == 400:
        problem = json.loads(answer.content)
        assert problem["field"], problem
        assert (problem["field"] + problem["detail"]).isprintable()
        assert (problem["field"] + problem["detail"]).isascii()


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@SCHEMA.parametrize()
@bounded(EXAMPLES)
def test_every_route_answers_as_described(
    case: schemathesis.Case, session: requests.Session
) -> None:
    check(case, session)


@pytest.mark.slow
@pytest.mark.timeout(900)
@SCHEMA.parametrize()
@bounded(MANY_EXAMPLES)
def test_every_route_answers_as_described_many_times(
    case: schemathesis.Case, session: requests.Session
) -> None:
    check(case, session)


def test_every_described_route_is_one_of_the_http_api(session: requests.Session) -> None:
    event = {"user_id": "u", "item_id": "m", "event_type": "view", "timestamp": 1_790_000_000_000}
    good: dict[str, tuple[str, str, Any]] = {
        "/v1/users/{user_id}/recommendations": ("GET", "/v1/users/u1/recommendations", None),
        "/v1/items/{item_id}/similar": ("GET", "/v1/items/m1/similar", None),
        "/v1/popular": ("GET", "/v1/popular?num_results=3", None),
        "/v1/provenance/{recommendation_id}": (
            "GET",
            f"/v1/provenance/{FakeApis().recommendation_id}",
            None,
        ),
        "/v1/health": ("GET", "/v1/health", None),
        "/v1/events": ("POST", "/v1/events", {"events": [event]}),
    }
    assert set(good) == set(describe_api()["paths"])
    for described, (method, path, body) in good.items():
        answer = session.request(method, f"http://api.test{path}", json=body)
        assert answer.ok, path
        SCHEMA[described][method].validate_response(answer)
