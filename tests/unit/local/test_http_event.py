import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.http_event import Answer, Api, Request, answer_of, build_event, decoded_path

NOW = datetime(2024, 3, 12, 19, 3, 58, 390000, UTC)


def event(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "method": "POST",
        "raw_path": "/v1/x",
        "query": "",
        "headers": [("host", "localhost:8000"), ("content-type", "application/json")],
        "body": b"",
    }
    return build_event(
        Request(**{**given, **changes}),
        api=Api("abc", "123456789012", "us-east-1"),
        route_key="POST /v1/x",
        parameters={"p": "1"},
        request_id="R=",
        now=NOW,
    )


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/v1/users/a%2Fb/recommendations", "/v1/users/a/b/recommendations"),
        ("/v1/users/%C3%BC", "/v1/users/ü"),
        ("/v1/users/a%3Fb", "/v1/users/a"),
        ("/v1/users/a%253Fb", "/v1/users/a%3Fb"),
        ("/v1/users/a+b", "/v1/users/a+b"),
    ],
)
def test_the_path_is_decoded_and_cut_as_by_api_gateway(raw: str, path: str) -> None:
    assert decoded_path(raw) == path
    built = event(raw_path=raw)
    assert built["rawPath"] == built["requestContext"]["http"]["path"] == path


def test_an_event_has_everything() -> None:
    assert event(
        query="a=1&a=%32&b=",
        headers=[
            ("host", "localhost:8000"),
            ("user-agent", "t"),
            ("x-many", "1"),
            ("x-many", "2"),
            ("cookie", "a=1; b=2"),
        ],
    ) == {
        "version": "2.0",
        "routeKey": "POST /v1/x",
        "rawPath": "/v1/x",
        "rawQueryString": "a=1&a=%32&b=",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "localhost:8000",
            "user-agent": "t",
            "x-many": "1,2",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "8000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"a": "1,2", "b": ""},
        "pathParameters": {"p": "1"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/v1/x",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "t",
            },
            "requestId": "R=",
            "routeKey": "POST /v1/x",
            "stage": "$default",
            "time": "12/Mar/2024:19:03:58 +0000",
            "timeEpoch": 1710270238390,
        },
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ([("content-type", "application/json; charset=utf-8")], "ü".encode(), "ü"),
        ([("content-type", "application/problem+json")], b"{}", "{}"),
        ([("content-type", "application/json")], b"\xff", None),
        ([("content-type", "application/json"), ("content-encoding", "gzip")], b"x", None),
        ([("content-type", "application/octet-stream")], b"x", None),
        ([], b"x", None),
    ],
)
def test_bodies_are_text_or_base64(
    headers: list[tuple[str, str]], body: bytes, text: str | None
) -> None:
    built = event(headers=headers, body=body)
    assert built["isBase64Encoded"] is (text is None)
    assert built["body"] == (base64.b64encode(body).decode() if text is None else text)


JSON = ("content-type", "application/json")


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ({"a": 1}, Answer(200, (JSON,), b'{"a": 1}')),
        ("text", Answer(200, (JSON,), b"text")),
        (
            {"statusCode": 201, "headers": {"Content-Type": "a/b", "X-N": 1}, "body": "é"},
            Answer(201, [("content-type", "a/b"), ("x-n", "1")], "é".encode()),
        ),
        (
            {"statusCode": "204", "cookies": ["a=1"], "headers": None},
            Answer(204, [("set-cookie", "a=1"), ("content-type", "text/plain;charset=UTF-8")]),
        ),
        (
            {
                "statusCode": 200,
                "headers": {"content-type": "x/y"},
                "body": "AAE=",
                "isBase64Encoded": True,
            },
            Answer(200, [("content-type", "x/y")], b"\0\1"),
        ),
        ({"statusCode": "what"}, None),
        ({"statusCode": 200, "headers": ["no"]}, None),
        ({"statusCode": 7}, None),
    ],
)
def test_answers(result: Any, answer: Answer | None) -> None:
    assert answer_of(result) == answer
