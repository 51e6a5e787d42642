"""A stage is tried as its clients would: signed, bounded, and held to thresholds."""

import itertools
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.credentials import ReadOnlyCredentials

from infra.local.http_event import Request
from infra.local.sigv4 import Verifier
from infra.pipeline.api import Api, bearer, sigv4, unsigned
from infra.pipeline.load import Load, LoadReport, Thresholds, put_load
from infra.pipeline.smoke import SMOKE_VIEWER, smoke
from infra.pipeline.stage import Target
from tests.pipeline.stand_in import good, stand_in
from topshelf.errors import InvalidInputError

KEYS = ReadOnlyCredentials("accesskey", "secretkey", None)
SIGN = sigv4(KEYS, "us-east-1")


def api_at(url: str) -> Api:
    return Api.of(url, Target.LOCAL, "us-east-1", SIGN)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target.AWS),
        ("https://a1.execute-api.eu-west-1.amazonaws.com", Target.AWS),
        ("https://a1.execute-api.us-east-1.amazonaws.com.example.com", Target.AWS),
        ("http://a1.execute-api.us-east-1.amazonaws.com", Target.AWS),
        ("http://127.0.0.1:8000", Target.AWS),
        ("http://10.0.0.1:8000", Target.LOCAL),
        ("https://a1.execute-api.us-east-1.amazonaws.com", Target.LOCAL),
    ],
)
def test_nothing_is_sent_anywhere_but_to_the_stages_own_api(url: str, target: Target) -> None:
    with pytest.raises(InvalidInputError, match="nothing is sent to") as caught:
        Api.of(url, target, "us-east-1", unsigned)
    assert caught.value.field == "ApiUrl"


def test_the_stages_own_api_is_taken() -> None:
    gateway = "https://a1.execute-api.us-east-1.amazonaws.com/"
    assert Api.of(gateway, Target.AWS, "us-east-1", unsigned).url == gateway.rstrip("/")
    for local in ("http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"):
        assert Api.of(local, Target.LOCAL, "us-east-1", unsigned).url == local


@pytest.mark.parametrize(
    "path", ["/v1/popular?num_results=5", "/v1/users/a%2Fb%25/recommendations"]
)
def test_a_signature_is_what_the_gateway_wants(path: str) -> None:
    # The verifier recomputes it from the request as a gateway gets it.
    url = "http://localhost:8000"
    asked = api_at(url).prepare("POST", path, {"a": "é"})
    parts = urlsplit(path)
    sent = {**asked.headers, "Host": "localhost:8000"}
    headers = [(name.lower(), value) for name, value in sent.items()]
    request = Request(asked.method, parts.path, parts.query, headers, asked.body, "127.0.0.1")
    verifier = Verifier("accesskey", "secretkey", None, "us-east-1", "123456789012")
    assert verifier.verify(request, datetime.now(UTC)) is not None
    assert "authorization" not in {
        name.lower() for name in api_at(url).prepare("GET", path, signed=False).headers
    }
    token = Api.of(url, Target.LOCAL, "us-east-1", bearer("abc")).prepare("GET", path)
    assert token.headers == {"Authorization": "Bearer abc"}


def test_a_good_stage_passes_the_smoke_test() -> None:
    with stand_in(good) as (url, seen):
        checks = smoke(api_at(url), "a/b", now_ms=1_790_000_000_000, refuses=True)
    assert [check.fault for check in checks] == [None] * 6
    assert seen["GET /v1/users/a%2Fb/recommendations?num_results=5"] == 1
    assert seen["POST /v1/events"] == 1
    assert "/" not in SMOKE_VIEWER


@pytest.mark.parametrize(
    ("broken", "answer", "name", "told"),
    [
        ("/v1/health", (503, {}), "health", "200 was expected, 503 came"),
        ("/v1/popular", (200, {"item_list": []}), "popular titles", "not as expected"),
        ("/v1/popular", (200, {}), "popular titles", "not of its form"),
        ("/v1/users", (200, {"tier": "baked", "item_list": []}), "a viewer's own list", "baked"),
        ("/v1/provenance", (404, {}), "where it came from", "404 came"),
        ("/v1/events", (202, {"accepted": 0}), "an event", "not as expected"),
    ],
)
def test_what_does_not_work_is_told_by_name(
    broken: str, answer: tuple[int, dict[str, object]], name: str, told: str
) -> None:
    def reply(
        method: str, path: str, headers: dict[str, str], n: int
    ) -> tuple[int, dict[str, object]]:
        right = "authorization" in headers and path.startswith(broken)
        return answer if right else good(method, path, headers, n)

    with stand_in(reply) as (url, _):
        checks = smoke(api_at(url), "v1", now_ms=0, refuses=True)
    faults = {check.name: check.fault for check in checks if check.fault}
    assert set(faults) == {name}
    assert told in str(faults[name])


def test_an_api_that_lets_anybody_in_fails() -> None:
    open_to_all = lambda method, path, _, n: good(method, path, {"authorization": ""}, n)  # noqa: E731
    with stand_in(open_to_all) as (url, _):
        checks = smoke(api_at(url), "v1", now_ms=0, refuses=True)
        asked_for = smoke(api_at(url), "v1", now_ms=0, refuses=False)
    assert checks[-1].fault == "it was answered with 200 and not refused"
    assert all(check.fault is None for check in asked_for)


def test_a_stage_that_is_gone_fails_every_check_it_gets_to() -> None:
    checks = smoke(api_at("http://127.0.0.1:1"), "v1", now_ms=0, refuses=True)
    assert all(check.fault for check in checks)
    assert "nothing came: ConnectionRefusedError" in str(checks[0].fault)


@pytest.mark.parametrize(
    ("every", "fault"),
    [
        (100, "4 of 400 requests failed (1.00%), not below 0.10%"),
        (400, "1 of 400 requests failed (0.25%), not below 0.10%"),
        (401, None),
    ],
)
def test_errors_of_a_bad_release_are_counted(every: int, fault: str | None) -> None:
    # The 40 that warm up are not counted: they come first.
    def reply(
        method: str, path: str, headers: dict[str, str], n: int
    ) -> tuple[int, dict[str, object]]:
        is_bad = n >= 40 and (n - 40) % every == every - 1
        return (500, {}) if is_bad else good(method, path, headers, n)

    with stand_in(reply) as (url, seen):
        load = Load(requests=400, warm_up=40, concurrency=4)
        report = put_load(api_at(url), ["v1", "v2"], load, time.monotonic)
    assert seen.total() == 440
    assert report.seen["status 200"] + report.seen["status 500"] == 400
    assert report.seen["tier own"] == report.seen["status 200"]
    faults = report.faults(Thresholds(p99_ms=60_000))
    assert faults == ([fault] if fault else [])


def test_a_load_ends_in_time_and_says_what_is_missing() -> None:
    # The clock moves a second with every look: at the start, then once before each request.
    ticks = itertools.count()
    with stand_in(good) as (url, seen):
        load = Load(requests=100, warm_up=0, concurrency=1, seconds=31)
        report = put_load(api_at(url), ["v1"], load, lambda: float(next(ticks)))
    assert seen.total() == len(report.latencies) == 30
    assert report.faults(Thresholds(60_000)) == [
        "only 30 of 100 requests were answered in time",
    ]


def test_p99_is_the_nearest_rank() -> None:
    # 100 latencies of 1 to 100 ms: 99 of 100 do not exceed 99 ms.
    report = LoadReport(100, [float(n) for n in range(1, 101)], 0, Counter())
    assert report.percentile(0.99) == 99
    assert report.percentile(0.5) == 50
    assert report.faults(Thresholds(p99_ms=99.1)) == []
    assert report.faults(Thresholds(p99_ms=99)) == ["p99 is 99.0 ms, not below 99 ms"]
    # Of 1,000 requests, one that fails is 0.1%, which is not below 0.1%.
    thousand = LoadReport(1000, [1.0] * 1000, 1, Counter())
    assert thousand.faults(Thresholds()) == ["1 of 1,000 requests failed (0.10%), not below 0.10%"]
    assert LoadReport(10, [], 0, Counter()).faults(Thresholds()) == ["no request was sent"]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("requests", {"requests": 20_001}),
        ("requests", {"requests": 0}),
        ("seconds", {"seconds": 300}),
    ],
)
def test_a_load_without_bounds_is_refused(field: str, given: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Load(**given)
    assert caught.value.field == field
