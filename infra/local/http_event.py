"""Requests and answers of an HTTP API as functions see them: payload format 2.0.

Reference: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

__all__ = ["Answer", "Api", "Request", "answer_of", "build_event", "decoded_path"]

_TEXT: Final = ("text/", "application/json", "application/xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Api:
    """The API that a request came to.

    Attributes:
        api_id: Its id.
        account_id: Account of the emulator.
        region: AWS region.
    """

    api_id: str
    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request.

    Attributes:
        method: In capitals.
        raw_path: As sent, percent-encoded.
        query: As sent, without the question mark.
        headers: Names in lower case, in the order sent.
        body: The whole body.
        source_ip: The client's address.
        protocol: ``HTTP/1.1``.
        port: The port it came in by.
    """

    method: str
    raw_path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    port: int = 8000

    def header(self, name: str) -> str:
        """A header's value, empty if it was not sent."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: Status code.
        headers: In order; a name may come again.
        body: The whole body.
    """

    status: int
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple)
    body: bytes = b""


def decoded_path(raw_path: str) -> str:
    """The path as HTTP APIs give it: percent-decoded, and cut where that shows a question mark."""
    return unquote(raw_path).partition("?")[0]


def build_event(
    request: Request,
    *,
    api: Api,
    route_key: str,
    parameters: Mapping[str, str],
    request_id: str,
    now: datetime,
    iam: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The event of a request.

    Args:
        request: The request.
        api: The API it came to.
        route_key: The route that it matched.
        parameters: The path parameters, decoded.
        request_id: Of API Gateway's kind.
        now: Time of arrival, UTC.
        iam: The caller, where the route asks for a signature.
    """
    path = decoded_path(request.raw_path)
    headers, cookies = _headers(request)
    domain = f"{api.api_id}.execute-api.{api.region}.amazonaws.com"
    context: dict[str, Any] = {
        "accountId": api.account_id,
        "apiId": api.api_id,
        "domainName": domain,
        "domainPrefix": api.api_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
    if iam is not None:
        context["authorizer"] = {"iam": dict(iam)}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    query = _comma_joined(parse_qsl(request.query, keep_blank_values=True))
    if query:
        event["queryStringParameters"] = query
    if parameters:
        event["pathParameters"] = dict(parameters)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request)
    return event


def _headers(request: Request) -> tuple[dict[str, str], list[str]]:
    cookies = [v for name, value in request.headers if name == "cookie" for v in value.split("; ")]
    headers = _comma_joined((n, v) for n, v in request.headers if n != "cookie")
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = ", ".join(filter(None, (forwarded, request.source_ip)))
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = "http"
    return headers, cookies


def _comma_joined(pairs: Any) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in pairs:
        out[name] = f"{out[name]},{value}" if name in out else value
    return out


def _body(request: Request) -> tuple[str, bool]:
    kind = request.header("content-type").partition(";")[0].strip().lower()
    is_text = kind.startswith(_TEXT) or kind.endswith(("+json", "+xml"))
    if is_text and not request.header("content-encoding"):
        try:
            return request.body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # Base64 keeps the bytes; the handler says what is wrong with them.
    return base64.b64encode(request.body).decode("ascii"), True


def answer_of(result: Any) -> Answer | None:
    """The answer that a function's result stands for; None if it stands for none.

    A result without ``statusCode`` is the body of a 200, as JSON.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return Answer(200, (("content-type", "application/json"),), body.encode())
    try:
        status = int(result["statusCode"])
        headers = [
            (str(k).lower(), _header_value(v)) for k, v in (result.get("headers") or {}).items()
        ]
        headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
        given = result.get("body")
        text = "" if given is None else given if isinstance(given, str) else json.dumps(given)
        content = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
    except (AttributeError, TypeError, ValueError):
        return None
    if not 100 <= status <= 599:
        return None
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return Answer(status, headers, content)


def _header_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
