"""Two ways to the functions: Lambda's Invoke with HTTP API events, and raw bytes to the gateway."""

import contextlib
import http.client
import json
import socket
from datetime import UTC, datetime
from typing import Protocol

from infra.local.http_event import Answer, Api, Request, answer_of, build_event, decoded_path
from infra.local.routes import RouteTable
from tests.benchmarks.fuzzing.hostile_requests import HostileRequest
from tests.builders.front import routes_of_template

__all__ = ["GatewayWay", "InvokeWay", "Way"]

_SECONDS = 60.0
_FUNCTIONS = {"RecommendApi": "recommend-api", "IngestEvents": "ingest-events"}


class Way(Protocol):
    """Sends a request and gives the answer; None where no route of the HTTP API takes it."""

    def send(self, request: HostileRequest) -> Answer | None:
        """One request."""
        ...

    def close(self) -> None:
        """No more requests come."""
        ...


class InvokeWay:
    """Lambda's Invoke: the real handlers, without a server that would refuse before them."""

    def __init__(self, lambda_url: str, stack_name: str) -> None:
        self._connection = http.client.HTTPConnection(
            lambda_url.removeprefix("http://"), timeout=_SECONDS
        )
        self._stack = stack_name
        self._routes = RouteTable(routes_of_template())

    def send(self, request: HostileRequest) -> Answer | None:
        """See Way."""
        path, _, query = request.target.partition("?")
        found = self._routes.match(request.method, decoded_path(path))
        if found is None:
            return None
        route, parameters = found
        event = build_event(
            Request(
                request.method,
                path,
                query,
                [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers],
                request.body,
            ),
            api=Api("local", "123456789012", "us-east-1"),
            route_key=route.key,
            parameters=parameters,
            request_id="fuzz",
            now=datetime.now(UTC),
        )
        payload = json.dumps(event).encode()
        name = f"{self._stack}-{_FUNCTIONS[route.function.rpartition(':')[2]]}"
        self._connection.request("POST", f"/2015-03-31/functions/{name}/invocations", payload)
        said = self._connection.getresponse()
        content = said.read()
        if said.status == 413:
            return Answer(413, (), content)
        if said.status != 200 or said.getheader("x-amz-function-error"):
            return Answer(500, (), content)
        return answer_of(json.loads(content)) or Answer(500, (), content)

    def close(self) -> None:
        """See Way."""
        self._connection.close()


class GatewayWay:
    """HTTP to the local gateway, a connection a request, every byte as given."""

    def __init__(self, api_url: str) -> None:
        host, _, port = api_url.removeprefix("http://").partition(":")
        self._address = (host, int(port))

    def send(self, request: HostileRequest) -> Answer | None:
        """See Way."""
        names = {name for name, _ in request.headers}
        headers = list(request.headers)
        headers += [] if b"host" in names else [(b"host", b"api.test")]
        if request.body:
            headers.append((b"content-length", b"%d" % len(request.body)))
        head = b"".join(b"%s: %s\r\n" % pair for pair in headers)
        line = f"{request.method} {request.target} HTTP/1.1\r\n".encode("latin-1")
        with socket.create_connection(self._address, _SECONDS) as connection:
            # Refused before the end of the body, perhaps; the answer is there to read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(line + head + b"connection: close\r\n\r\n" + request.body)
            reply = http.client.HTTPResponse(connection, method=request.method)
            reply.begin()
            return Answer(reply.status, reply.getheaders(), reply.read())

    def close(self) -> None:
        """See Way."""
