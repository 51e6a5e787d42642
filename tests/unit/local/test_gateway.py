"""The local gateway's own refusals, where no function is asked."""

import asyncio
import json
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.functions import Invocation
from infra.local.gateway import Gateway
from infra.local.http_event import Api
from infra.local.routes import Route, RouteTable
from infra.local.sigv4 import Verifier

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
URI = "arn:aws:apigateway:r:lambda:path/x/functions/arn:aws:lambda:r:1:function:f/invocations"
SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=key/20260102/us-east-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def unasked(name: str, payload: bytes) -> Invocation:
    raise AssertionError("no function is to be asked")


def ask(
    headers: list[tuple[bytes, bytes]], *, path: str = "/x", body: bytes | None = b""
) -> tuple[int, dict[str, str]]:
    """Status and body; a body of None is one that never arrives."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if body is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    with ThreadPoolExecutor(1) as executor:
        gateway = Gateway(
            Api("a", "1", "us-east-1"),
            RouteTable([Route("GET", "/x", URI, iam=True)]),
            unasked,
            executor,
            verifier=Verifier("key", "secret", None, "us-east-1", "1"),
            port=1,
            clock=lambda: NOW,
            body_seconds=0.01,
        )
        # Not asyncio.run, which would take the main thread's own loop away.
        loop = asyncio.new_event_loop()
        loop.run_until_complete(gateway(scope, receive, send))
        loop.close()
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("host", [b"api.test", b"[", b"[::1", b"\xff", b"a\tb", b""])
def test_a_signature_that_nobody_can_have_made_is_forbidden(host: bytes) -> None:
    headers = [
        (b"host", host),
        (b"x-amz-date", b"20260102T120000Z"),
        (b"authorization", SIGNATURE.encode()),
    ]
    assert ask(headers) == (403, {"message": "Forbidden"})


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    assert ask([], body=None) == (408, {"message": "Request Timeout"})


def test_header_bytes_are_counted_with_the_path() -> None:
    assert ask([(b"x", b"v" * 5_000)], path="/" + "x" * 6_000)[0] == 431
    assert ask([(b"x", b"v" * 5_000)], path="/x")[0] == 403
    assert ask([], path="/y")[0] == 404
