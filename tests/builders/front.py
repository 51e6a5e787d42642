"""The local gateway before handlers of this process: what Lambda would be given, no sockets."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from hypothesis import HealthCheck, settings
from samtranslator.yaml_helper import yaml_parse

from infra.local.functions import Invocation
from infra.local.gateway import Gateway
from infra.local.http_event import Answer, Api
from infra.local.routes import Route, RouteTable
from tests.builders.apis import Handler

__all__ = ["REPEATABLE", "InProcessGateway", "problem_of", "routes_of_template"]

_TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


# One gateway serves every example of a property; examples are the same in every run.
REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def routes_of_template() -> list[Route]:
    """Every route of template.yaml; a function's name is its logical id."""
    resources = yaml_parse(_TEMPLATE.read_text())["Resources"]
    found = []
    for resource in resources.values():
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            method, path = resource["Properties"]["RouteKey"].split(" ")
            target = resource["Properties"]["Target"]["Fn::Sub"]
            integration = resources[target.removeprefix("integrations/${").removesuffix("}")]
            function = integration["Properties"]["IntegrationUri"]["Ref"].removesuffix(".Alias")
            found.append(Route(method, path, _ARN + function, iam=False))
    return found


def problem_of(answer: Answer) -> dict[str, Any]:
    """The problem document of an answer, which must be one."""
    assert ("content-type", "application/problem+json") in answer.headers
    said: dict[str, Any] = json.loads(answer.body)
    assert said["status"] == answer.status
    assert said["detail"].isprintable()
    return said


class InProcessGateway:
    """Takes requests as a server would hand them to the gateway, and gives its answers.

    Handlers run in a thread of their own with an event loop of its own, as in Lambda, and see
    events and give answers that went through JSON.

    Attributes:
        gateway: The ASGI application, for a server with a socket.
    """

    def __init__(self, handlers: Mapping[str, Handler], body_seconds: float = 30.0) -> None:
        self._handlers = handlers
        self._loop = asyncio.new_event_loop()
        self._executor = ThreadPoolExecutor(1, initializer=_own_loop)
        self.gateway = Gateway(
            Api("local", "123456789012", "us-east-1"),
            RouteTable(routes_of_template()),
            self._invoke,
            self._executor,
            verifier=None,
            port=8000,
            body_seconds=body_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.submit(_close_own_loop).result()
        self._executor.shutdown()
        self._loop.close()

    def send(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
    ) -> Answer:
        """One request; the target as it is on the wire, percent-encoded."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower(), value) for name, value in headers],
            "client": ("192.0.2.1", 1),
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        self._loop.run_until_complete(self.gateway(scope, receive, send))
        start, content = sent
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]
        return Answer(start["status"], fields, content["body"])

    def _invoke(self, arn: str, payload: bytes) -> Invocation:
        result = self._handlers[arn.removeprefix(_ARN)](json.loads(payload), None)
        encoded = json.dumps(result, ensure_ascii=False).encode("utf-8", "replace")
        return Invocation(encoded, failed=False, request_id="r")


def _own_loop() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())


def _close_own_loop() -> None:
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)
