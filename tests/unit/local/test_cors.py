"""What a page of another origin may do."""

from typing import Any

from infra.local.cors import Cors
from infra.local.http_event import Request

SAID: dict[str, Any] = {
    "AllowOrigins": ["https://tv.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["authorization", "content-type"],
    "ExposeHeaders": ["etag"],
    "MaxAge": "600",
}


def request(method: str = "OPTIONS", **headers: str) -> Request:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, "/v1/popular", "", named, b"", "127.0.0.1", "HTTP/1.1", 1)


def asking(origin: str) -> Request:
    return request(origin=origin, access_control_request_method="GET")


def test_a_page_of_an_allowed_origin_may_ask() -> None:
    answer = Cors.of(SAID).preflight(asking("https://tv.example"))
    assert answer is not None
    assert answer.status == 204
    assert dict(answer.headers) == {
        "access-control-allow-origin": "https://tv.example",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-expose-headers": "etag",
        "access-control-max-age": "600",
    }


def test_a_page_of_another_origin_is_told_nothing() -> None:
    answer = Cors.of(SAID).preflight(asking("https://tv.example.evil"))
    assert answer is not None
    assert (answer.status, list(answer.headers)) == (204, [])
    assert Cors.of(SAID).headers_for(request("GET", origin="https://evil.example")) == []


def test_an_answer_may_be_read_by_the_page_that_asked() -> None:
    found = Cors.of(SAID).headers_for(request("GET", origin="https://tv.example"))
    assert dict(found) == {
        "access-control-allow-origin": "https://tv.example",
        "access-control-expose-headers": "etag",
    }
    anybody = Cors.of({"AllowOrigins": ["*"]}).headers_for(request("GET", origin="https://a"))
    assert anybody == [("access-control-allow-origin", "*")]


def test_what_is_no_question_goes_on_to_the_routes() -> None:
    assert Cors.of(SAID).preflight(request(origin="https://tv.example")) is None
    assert Cors.of(SAID).preflight(request("GET", access_control_request_method="GET")) is None
    assert Cors().preflight(asking("https://tv.example")) is None
