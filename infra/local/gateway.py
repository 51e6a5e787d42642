"""API Gateway's HTTP API in front of the functions.

Reference: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from infra.local.asgi import BodyTooLargeError, Receive, Scope, Send, read_body, respond
from infra.local.cors import Cors
from infra.local.functions import PAYLOAD_LIMIT, Invocation
from infra.local.http_event import Answer, Api, Request, answer_of, build_event, decoded_path
from infra.local.routes import Route, RouteTable
from infra.local.sigv4 import Verifier
from topshelf.errors import TopshelfError

__all__ = ["Gateway"]

_BODY_LIMIT: Final = 10 * 1024 * 1024
_HEADER_LIMIT: Final = 10_240
_INTEGRATION_SECONDS: Final = 30.0
_BODY_SECONDS: Final = 30.0
_NO_PAGES: Final = Cors()


class Gateway:
    """An ASGI application that plays one HTTP API.

    Args:
        api: Who it is.
        routes: Its routes.
        invoke: Calls a function by ARN; runs in the executor.
        executor: Runs invocations.
        verifier: Checks signatures; None lets every request in.
        cors: Whose pages may call it.
        port: Where it listens.
        clock: The time, UTC.
        body_seconds: How long a request's body may take to arrive.
    """

    def __init__(
        self,
        api: Api,
        routes: RouteTable,
        invoke: Callable[[str, bytes], Invocation],
        executor: Executor,
        *,
        verifier: Verifier | None,
        port: int,
        cors: Cors = _NO_PAGES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._api = api
        self._routes = routes
        self._invoke = invoke
        self._executor = executor
        self._verifier = verifier
        self._port = port
        self._cors = cors
        self._clock = clock
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        request_id = base64.b64encode(secrets.token_bytes(11)).decode()
        answer = await self._answer(scope, receive, request_id)
        headers = [*answer.headers, ("apigw-requestid", request_id)]
        await respond(send, answer.status, headers, answer.body)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Answer:
        if _head_size(scope) > _HEADER_LIMIT:
            return _message(431, "Request Header Fields Too Large")
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await read_body(scope, receive, _BODY_LIMIT)
        except BodyTooLargeError:
            return _message(413, "Request Entity Too Large")
        except TimeoutError:
            return _message(408, "Request Timeout", ("connection", "close"))
        request = _request(scope, body, self._port)
        preflight = self._cors.preflight(request)
        if preflight is not None:
            return preflight
        answer = await self._routed(request, request_id)
        return replace(answer, headers=[*answer.headers, *self._cors.headers_for(request)])

    async def _routed(self, request: Request, request_id: str) -> Answer:
        found = self._routes.match(request.method, decoded_path(request.raw_path))
        if found is None:
            return _message(404, "Not Found")
        route, parameters = found
        now = self._clock()
        caller = None
        if route.iam and self._verifier:
            caller = _caller(self._verifier, request, now)
            if caller is None:
                return _message(403, "Forbidden")
        event = build_event(
            request,
            api=self._api,
            route_key=route.key,
            parameters=parameters,
            request_id=request_id,
            now=now,
            iam=caller,
        )
        return await self._integrate(route, event)

    async def _integrate(self, route: Route, event: dict[str, Any]) -> Answer:
        payload = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
        if len(payload) > PAYLOAD_LIMIT:
            return _message(413, "Request Entity Too Large")
        call = asyncio.get_running_loop().run_in_executor(
            self._executor, self._invoke, route.function, payload
        )
        try:
            # Shielded: as in AWS, the function runs on when the client has its answer.
            invocation = await asyncio.wait_for(asyncio.shield(call), _INTEGRATION_SECONDS)
        except (TimeoutError, TopshelfError):
            call.add_done_callback(lambda done: done.cancelled() or done.exception())
            return _message(503, "Service Unavailable")
        if invocation.failed or len(invocation.payload) > PAYLOAD_LIMIT:
            return _message(500, "Internal Server Error")
        return answer_of(json.loads(invocation.payload)) or _message(500, "Internal Server Error")


def _caller(verifier: Verifier, request: Request, now: datetime) -> dict[str, Any] | None:
    try:
        return verifier.verify(request, now)
    except ValueError:  # A host or a path that makes no URL: nobody can have signed that.
        return None


def _message(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return Answer(status, (("content-type", "application/json"), *headers), body)


def _head_size(scope: Scope) -> int:
    line = len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])
    return line + sum(len(name) + len(value) for name, value in scope["headers"])


def _request(scope: Scope, body: bytes, port: int) -> Request:
    client = scope.get("client") or ("127.0.0.1", 0)
    return Request(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]],
        body=body,
        source_ip=client[0],
        protocol=f"HTTP/{scope['http_version']}",
        port=port,
    )
