"""Local clouds of a test's own: their templates, ports and options, and how they are asked."""

import contextlib
import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.listening import free_port

__all__ = ["REAL", "SMALL", "call", "eventually", "options", "signed"]

REAL = Path(__file__).resolve().parents[2] / "template.yaml"
SMALL = Path(__file__).resolve().parents[1] / "integration" / "local_cloud" / "template.yaml"

_CREDENTIALS = Credentials("accesskey", "secretkey", "token")


def options(template: Path, state: Path, **changes: Any) -> LocalCloudOptions:
    """Of a cloud that shares neither ports nor files with another."""
    return LocalCloudOptions(
        template=template,
        cloud_port=free_port(),
        api_port=free_port(),
        lambda_port=free_port(),
        state_dir=state,
        **changes,
    )


def eventually[T](ask: Callable[[], T | None], seconds: float = 15) -> T:
    """The first answer that holds; the test fails where none comes in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return answer


def signed(request: AWSRequest) -> dict[str, str]:
    """The headers of a request, with a signature for the HTTP API."""
    SigV4Auth(_CREDENTIALS, "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def call(
    cloud: LocalCloud,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    sign: bool = True,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of what the HTTP API answers."""
    host = f"localhost:{cloud.options.api_port}"
    request = AWSRequest(method, f"http://{host}{path}", headers=headers or {}, data=body)
    sent = signed(request) if sign else dict(request.headers.items())
    connection = http.client.HTTPConnection(host, timeout=40)
    with contextlib.closing(connection):
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
