"""Every route through ``sam local start-api``, and how long an answer takes."""

import statistics
import time
from typing import Any

import pytest
import requests

from tests.events import reading
from tests.sam.conftest import Figures
from tests.sam.local import SamLocal, comparable
from tests.sam.released import Released, routes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WARM, MEASURED = 20, 200


@pytest.fixture(scope="module")
def api(sam_local: SamLocal, platform: Released, variables: dict[str, dict[str, str]]) -> Any:
    """The address of a running start-api."""
    # It checks no signature, so that no request says who calls: as behind an API that is open.
    opened = {
        name: found | ({"TOPSHELF_AUTHORIZER": "none"} if "TOPSHELF_AUTHORIZER" in found else {})
        for name, found in variables.items()
    }
    with sam_local.served("start-api", opened) as address:
        yield address


def test_every_route_of_the_template_has_a_recorded_request() -> None:
    assert routes() == sorted(reading.requests()), "python -m tests.events.record"


@pytest.mark.parametrize("route", routes())
def test_a_route_answers_as_the_local_cloud_does(
    route: str, api: str, platform: Released, figures: Figures
) -> None:
    recorded = reading.requests()[route]
    shown = recorded.get("pathParameters", {}).get("recommendation_id", "-")
    event = reading.told_anew(recorded, {shown: platform.recommendation_id()})
    method, path, body = reading.request_of(event)
    answer = requests.request(method, api + path, json=body, timeout=60)
    status, expected = platform.call(method, path, body)
    figures.add(f"sam local start-api: {route}", str(answer.status_code))
    assert (answer.status_code, status) in {(200, 200), (202, 202)}
    assert comparable(answer.content) == comparable(expected)


def test_a_path_without_a_route_is_refused(api: str) -> None:
    assert requests.get(f"{api}/v2/popular", timeout=60).status_code == 403


def test_answers_of_a_warm_function(api: str, figures: Figures) -> None:
    taken = []
    with requests.Session() as session:
        for _ in range(WARM + MEASURED):
            began = time.perf_counter()
            answer = session.get(f"{api}/v1/users/v000001/recommendations", timeout=60)
            taken.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == 200
            assert answer.json()["tier"] == "own"
    cuts = statistics.quantiles(taken[WARM:], n=100, method="inclusive")
    figures.add(f"sam local start-api: p50 of {MEASURED} warm requests", f"{cuts[49]:.0f} ms")
    figures.add(f"sam local start-api: p99 of {MEASURED} warm requests", f"{cuts[98]:.0f} ms")
