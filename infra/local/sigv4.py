"""Signatures of requests: recomputed with botocore's own signer and compared.

Reference: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.http_event import Request

__all__ = ["Verifier"]

_SKEW: Final = timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/]+)/(?P<scope>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class _SignerOf(SigV4Auth):
    """Signs the headers that the client signed, whichever they are."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        headers = HTTPMessage()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks signatures for the service ``execute-api``.

    Attributes:
        access_key: The one access key that there is.
        secret_key: Its secret.
        token: The session token; may be left out of a request, but not be another.
        region: AWS region.
        account_id: Account of the emulator.
    """

    access_key: str
    secret_key: str
    token: str | None
    region: str
    account_id: str

    def verify(self, request: Request, now: datetime) -> dict[str, Any] | None:
        """The caller as the event's ``authorizer.iam`` has it; None if the signature is not valid.

        Args:
            request: The request.
            now: The time, UTC.
        """
        match = _AUTHORIZATION.fullmatch(request.header("authorization").strip())
        if match is None or match["key"] != self.access_key:
            return None
        stamp = request.header("x-amz-date")
        try:
            signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return None
        scope = f"{stamp[:8]}/{self.region}/execute-api/aws4_request"
        token = request.header("x-amz-security-token")
        if (
            abs(now - signed_at) > _SKEW
            or match["scope"] != scope
            or token not in ("", self.token or "")
        ):
            return None
        names = match["headers"].split(";")
        if not {"host", "x-amz-date"} <= set(names) or not self._hash_holds(request):
            return None
        expected = self._signature(request, names, stamp)
        return self._caller() if hmac.compare_digest(expected, match["signature"]) else None

    def _hash_holds(self, request: Request) -> bool:
        claimed = request.header("x-amz-content-sha256")
        return not claimed or claimed == hashlib.sha256(request.body).hexdigest()

    def _signature(self, request: Request, names: list[str], stamp: str) -> str:
        signer = _SignerOf(
            Credentials(self.access_key, self.secret_key), "execute-api", self.region
        )
        query = f"?{request.query}" if request.query else ""
        signed = AWSRequest(
            method=request.method,
            url=f"http://{request.header('host')}{request.raw_path}{query}",
            data=request.body,
        )
        for name, value in request.headers:
            if name in names:
                signed.headers.add_header(name, value)
        signed.context["timestamp"] = stamp
        text = signer.string_to_sign(signed, signer.canonical_request(signed))
        return str(signer.signature(text, signed))

    def _caller(self) -> dict[str, Any]:
        return {
            "accessKey": self.access_key,
            "accountId": self.account_id,
            "callerId": self.account_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{self.account_id}:root",
            "userId": self.account_id,
        }
