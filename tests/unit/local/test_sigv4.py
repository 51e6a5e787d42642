from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.http_event import Request
from infra.local.sigv4 import Verifier

VERIFIER = Verifier("accesskey", "secretkey", "token", "us-east-1", "123456789012")
PATH = "/v1/users/a%2Fb%20c/recommendations"
QUERY = "b=2&a=%C3%BC&a=1"


def signed(
    body: bytes = b'{"a":1}',
    *,
    credentials: Credentials | None = None,
    service: str = "execute-api",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
) -> tuple[Request, datetime]:
    request = AWSRequest(
        "POST", f"http://localhost:8000{PATH}?{QUERY}", headers=headers or {}, data=body
    )
    known = credentials or Credentials("accesskey", "secretkey", "token")
    SigV4Auth(known, service, region).add_auth(request)
    sent = [("host", "localhost:8000"), *((k.lower(), v) for k, v in request.headers.items())]
    stamp = request.headers["X-Amz-Date"].replace("Z", "+0000")
    return Request("POST", PATH, QUERY, sent, body), datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")


def test_a_valid_signature_gives_the_caller() -> None:
    request, at = signed(headers={"Content-Type": "application/json", "X-Spaces": "a   b"})
    caller = VERIFIER.verify(request, at)
    assert caller is not None
    assert caller["accessKey"] == "accesskey"
    assert caller["userArn"] == "arn:aws:iam::123456789012:root"


def test_the_session_token_may_be_left_out_but_not_be_another() -> None:
    request, at = signed(credentials=Credentials("accesskey", "secretkey"))
    assert VERIFIER.verify(request, at)
    request, at = signed(credentials=Credentials("accesskey", "secretkey", "other"))
    assert VERIFIER.verify(request, at) is None


def test_five_minutes_of_skew_are_allowed() -> None:
    request, at = signed()
    assert VERIFIER.verify(request, at + timedelta(minutes=5))
    assert VERIFIER.verify(request, at + timedelta(minutes=5, seconds=1)) is None
    assert VERIFIER.verify(request, at - timedelta(minutes=6)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"a":2}'},
        {"query": "b=2&a=%C3%BC&a=2"},
        {"raw_path": "/v1/users/a/b%20c/recommendations"},
        {"method": "PUT"},
    ],
)
def test_what_was_changed_after_signing_is_refused(change: dict[str, str]) -> None:
    request, at = signed()
    assert VERIFIER.verify(replace(request, **change), at) is None


def test_other_keys_services_and_regions_are_refused() -> None:
    for request, at in (
        signed(credentials=Credentials("accesskey", "wrong", "token")),
        signed(credentials=Credentials("other", "secretkey", "token")),
        signed(service="s3"),
        signed(region="eu-west-1"),
    ):
        assert VERIFIER.verify(request, at) is None


def test_a_hash_of_another_body_is_refused() -> None:
    request, at = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert VERIFIER.verify(request, at) is None


@pytest.mark.parametrize("authorization", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=x"])
def test_no_signature_is_refused(authorization: str) -> None:
    request = Request("GET", "/", "", [("authorization", authorization)], b"")
    assert VERIFIER.verify(request, datetime.now(UTC)) is None
