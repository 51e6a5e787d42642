"""Requests that nobody sends by accident: each gets a 4xx that names the field, never a 5xx.

They go through the local gateway's own handling and the Lambda handlers, over fakes.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.apis import FakeApis
from tests.builders.front import REPEATABLE, InProcessGateway, problem_of
from tests.builders.gateway import http_event

USER, ITEM = "/v1/users/u1/recommendations", "/v1/items/m1/similar"
LISTS = (USER, ITEM, "/v1/popular")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=5", "limit"),
        ("Num_Results=5", "Num_Results"),
        ("num_results=1&num_results=2", "num_results"),
        ("num_results=1&num_results=1", "num_results"),
        ("num_results=1%00", "num_results"),
        ("num_results=%0A1", None),  # white space around a number is no harm
        ("num_results=%FF", "num_results"),
        ("num_results=%", "num_results"),
        ("num_results=1;num_results=2", "num_results"),
        ("num_results[]=1", "num_results[]"),
        ("num_results=" + "9" * 5000, "num_results"),
        ("num_results=1e400", "num_results"),
        ("num_results=Infinity", "num_results"),
        ("%00=1", "\\x00"),
        ("%0A=1", "\\n"),
        ("%ED%A0%80=1", "\\ufffd\\ufffd\\ufffd"),
        ("=1", "body"),
        ("&&&=&", "body"),
        ("x" * 9_000, "x" * 100),
        ("&".join(f"p{n}={n}" for n in range(1_000)), "p0"),
    ],
)
@pytest.mark.parametrize("path", LISTS)
def test_a_bad_query_is_refused_by_name(
    gateway: InProcessGateway, path: str, query: str, field: str | None
) -> None:
    answer = gateway.send("GET", f"{path}?{query}")
    assert answer.status == (200 if field is None else 400)
    if field is not None:
        assert problem_of(answer)["field"] == field


def test_an_unknown_parameter_is_told_the_known_ones(gateway: InProcessGateway) -> None:
    said = problem_of(gateway.send("GET", "/v1/popular?limit=5"))
    assert said["detail"].startswith("limit is not a parameter here; this route takes num_results,")
    assert "context" in said["detail"]
    said = problem_of(gateway.send("GET", "/v1/health?verbose=1"))
    assert said["detail"] == "verbose is not a parameter here; this route takes none"


def test_pages_for_people_take_any_query(gateway: InProcessGateway) -> None:
    for path in ("/docs", "/openapi.json"):
        assert gateway.send("GET", f"{path}?utm_source=mail").status == 200


@pytest.mark.parametrize(
    "segment",
    ["%20", "a%20b", "%0A", "a%0Ab", "%0D", "%00", "%7F", "%C3%A9", "%FF", "%ED%A0%80", "x" * 257],
)
@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/users/{}/recommendations", "user_id"), ("/v1/items/{}/similar", "item_id")],
)
def test_a_bad_id_is_refused_by_name(
    gateway: InProcessGateway, path: str, segment: str, field: str
) -> None:
    answer = gateway.send("GET", path.format(segment))
    assert (answer.status, problem_of(answer)["field"]) == (400, field)


@pytest.mark.parametrize("segment", ["x", "%0A", "%00", "%FF", "A" * 5000, "a%20b"])
def test_a_bad_recommendation_id_is_refused_by_name(
    gateway: InProcessGateway, segment: str
) -> None:
    answer = gateway.send("GET", f"/v1/provenance/{segment}")
    assert (answer.status, problem_of(answer)["field"]) == (400, "recommendation_id")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/u1/recommendations/",
        "/v1/users/u1/recommendations%0A",
        "/v1/users/u1",
        "/v1/items/",
    ],
)
def test_what_is_beside_a_route_is_not_found(gateway: InProcessGateway, path: str) -> None:
    assert gateway.send("GET", path).status == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_a_method_without_a_route_is_not_found_as_at_api_gateway(
    gateway: InProcessGateway, method: str
) -> None:
    for path in (*LISTS, "/v1/events", "/v1/health"):
        assert gateway.send(method, path).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-flood-%d" % n, b"v") for n in range(300)],
        [(b"x-same", b"v")] * 300,
        [(b"x-long", b"v" * 9_000)],
        [(b"x-bytes", bytes(range(128, 256)))],
        [(b"!#$%&'*+-.^_`|~", b"odd name")],
        [(b"host", b"[::1]:8000")],
        [(b"host", b"a:b:c")],
        [(b"host", b"name:port")],
        [(b"host", b"")],
        [(b"x-forwarded-port", b"80, 443")],
        [(b"x-forwarded-proto", b"gopher")],
        [(b"cookie", b"a=1; b=\xff; ; =")],
        [(b"content-length", b"12"), (b"content-type", b"multipart/form-data")],
        [(b"content-type", b"\xff;;;")],
        [(b"if-none-match", b'W/"' * 1000)],
        [(b"accept-encoding", b"zstd;q=nan")],
    ],
)
def test_no_header_changes_an_answer(
    gateway: InProcessGateway, headers: list[tuple[bytes, bytes]]
) -> None:
    answer = gateway.send("GET", "/v1/popular", headers)
    assert answer.status == 200
    assert len(json.loads(answer.body)["item_list"]) == 3


def test_too_many_header_bytes_are_refused_before_any_function(gateway: InProcessGateway) -> None:
    for flood in ([(b"x", b"v" * 10_240)], [(b"x-%d" % n, b"v" * 10) for n in range(1_000)]):
        answer = gateway.send("GET", "/v1/popular", flood)
        assert (answer.status, json.loads(answer.body)) == (
            431,
            {"message": "Request Header Fields Too Large"},
        )


RAW = st.binary(max_size=60).map(lambda raw: "".join(f"%{byte:02X}" for byte in raw))
WILD = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?"))


@REPEATABLE
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(
        ["/v1/users/{}/recommendations", "/v1/items/{}/similar", "/v1/provenance/{}", "/{}", "{}"]
    ),
    segment=RAW | WILD,
    query=RAW | WILD,
    headers=st.lists(
        st.tuples(st.sampled_from([b"x", b"host", b"cookie", b"if-none-match"]), st.binary()),
        max_size=5,
    ),
    body=st.binary(max_size=200),
)
def test_no_request_at_all_is_a_server_error(
    gateway: InProcessGateway,
    *,
    method: str,
    path: str,
    segment: str,
    query: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    answer = gateway.send(method, f"{path.format(segment)}?{query}", headers, body)
    assert answer.status < 500
    if answer.status == 400:
        assert problem_of(answer)["field"].isprintable()


LONE = "\ud800"


@pytest.mark.parametrize(
    "change",
    [
        {"rawQueryString": LONE},
        {"rawQueryString": f"num_results={LONE}"},
        {"headers": {"x": LONE, LONE: "x"}},
        {"headers": None, "cookies": [LONE]},
        {"body": LONE},
        {"body": None},
    ],
)
def test_an_event_that_utf8_cannot_write_is_answered(
    apis: FakeApis, change: dict[str, Any]
) -> None:
    for function, method, path in (
        ("RecommendApi", "GET", f"/v1/users/{LONE}/recommendations"),
        ("RecommendApi", "GET", "/v1/popular"),
        ("IngestEvents", "POST", "/v1/events"),
    ):
        answer = apis.handlers[function](http_event(method, path) | change, None)
        assert answer["statusCode"] in (200, 400)
