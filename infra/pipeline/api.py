"""A stage's HTTP API as its clients see it: requests signed as the stage asks, one connection kept.

Signatures: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import contextlib
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from infra.pipeline.stage import Target
from topshelf.errors import InvalidInputError

__all__ = ["Answer", "Api", "Asked", "Signer", "bearer", "sigv4", "unsigned"]

_TIMEOUT: Final = 10.0

Signer = Callable[[str, str, bytes], Mapping[str, str]]
"""Headers that a request needs, from its method, address and body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: Of HTTP; 0 where nothing came back.
        body: Of the answer, or why there is none.
    """

    status: int
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The body's JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def unsigned(_method: str, _url: str, _body: bytes) -> Mapping[str, str]:
    """For an API that asks for nothing, and to see one refuse."""
    return {}


def bearer(token: str) -> Signer:
    """For an API that asks for a JWT.

    Args:
        token: It.
    """
    return lambda _method, _url, _body: {"Authorization": f"Bearer {token}"}


def sigv4(credentials: ReadOnlyCredentials, region: str) -> Signer:
    """For an API that asks for AWS credentials.

    Args:
        credentials: Of the caller.
        region: Of the API.
    """

    def sign(method: str, url: str, body: bytes) -> Mapping[str, str]:
        request = AWSRequest(method, url, {}, body)
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        return dict(request.headers.items())

    return sign


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP API of a stage.

    Attributes:
        url: Where it is, without a slash at the end.
        sign: Signs requests.
    """

    url: str
    sign: Signer

    @classmethod
    def of(cls, url: str, target: Target, region: str, sign: Signer) -> Self:
        """The API at an address that a stage may have; requests go nowhere else.

        Args:
            url: As the stack's output has it.
            target: What the stage is deployed to.
            region: AWS region.
            sign: Signs requests.

        Raises:
            InvalidInputError: It is neither API Gateway in this region nor, for the local cloud,
                this machine.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        gateway = f".execute-api.{region}.amazonaws.com"
        right = (
            _is_loopback(host)
            if target is Target.LOCAL
            else parts.scheme == "https" and host.endswith((gateway, gateway + ".cn"))
        )
        if not right:
            expected = "an address of this machine" if target is Target.LOCAL else f"*{gateway}"
            raise InvalidInputError(
                "ApiUrl", f"nothing is sent to {url}: the API of this stage is {expected}"
            )
        return cls(url.rstrip("/"), sign)

    def prepare(self, method: str, path: str, body: object = None, *, signed: bool = True) -> Asked:
        """A request, signed now; a signature is good for five minutes.

        Args:
            method: Of HTTP.
            path: With its query, percent-encoded.
            body: Anything that JSON can say.
            signed: Whether it gets what the API asks for.
        """
        data = b"" if body is None else json.dumps(body).encode()
        own = {} if body is None else {"Content-Type": "application/json"}
        sign = self.sign if signed else unsigned
        return Asked(method, path, {**own, **sign(method, self.url + path, data)}, data)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Callable[[Asked], Answer]]:
        """Sends over one connection, and reads whole answers; a broken one is made anew."""
        parts = urlsplit(self.url)
        kept = (
            http.client.HTTPSConnection(
                parts.netloc, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)
        )

        def ask(asked: Asked) -> Answer:
            try:
                kept.request(asked.method, asked.path, asked.body or None, dict(asked.headers))
                answer = kept.getresponse()
                return Answer(answer.status, answer.read())
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                return Answer(0, f"{type(error).__name__}: {error}".encode())

        with contextlib.closing(kept):
            yield ask


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
