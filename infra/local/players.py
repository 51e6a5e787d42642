"""The parts that no emulator plays, made from a deployment: functions and what calls them."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from localstack_client.session import Session

from infra.local import log_pattern
from infra.local.asgi import Front
from infra.local.cors import Cors
from infra.local.delivery import Delivery
from infra.local.delivery_stream import stream_of
from infra.local.deploy import Deployment
from infra.local.event_source import EventSource, event_source_of
from infra.local.faults import Faults
from infra.local.functions import Functions
from infra.local.gateway import Gateway
from infra.local.http_event import Api
from infra.local.lambda_api import LambdaApi
from infra.local.logs import Logs
from infra.local.notes import Notes
from infra.local.records import Shards
from infra.local.routes import Route, RouteTable, declared_route, routes_of
from infra.local.runtime import functions_of, spawner
from infra.local.sigv4 import Verifier
from infra.local.streams import StreamPlayer
from infra.local.translate import Translation
from topshelf.aws.clients import create_client
from topshelf.errors import TopshelfError

__all__ = ["Players", "Stage"]

# Invocations that wait at once, for a worker or for its answer.
_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the parts play.

    Attributes:
        endpoint_url: The emulated AWS.
        lambda_url: Lambda's Invoke API.
        log_dir: For the functions' output.
        concurrency: Most workers of one function at once.
        auth: Whether requests must be signed where the template says so.
        api_listener: Where the HTTP API answers; stays open, for those that play after these.
        lambda_listener: Where Lambda's Invoke API answers; the same.
        notes: Where it is noted how far they have come.
        emulated: Whether the emulated AWS answers.
    """

    endpoint_url: str
    lambda_url: str
    log_dir: Path
    concurrency: int
    auth: bool
    api_listener: socket.socket
    lambda_listener: socket.socket
    notes: Notes
    emulated: Callable[[], bool]


class Players:
    """Functions, gateway, streams, logs and delivery of one deployment.

    Everything that the template asks for is understood here, before anything runs.

    Args:
        deployment: The stack.
        translation: Knows where the functions' code is.
        stage: Where they play.
        faults: Where outages are noted.

    Raises:
        TopshelfError: The template asks for what the local cloud does not play.
    """

    def __init__(
        self, deployment: Deployment, translation: Translation, stage: Stage, faults: Faults
    ) -> None:
        self._deployment = deployment
        self._stage = stage
        self._faults = faults
        self._running = ExitStack()
        specs = functions_of(deployment, translation, stage.concurrency)
        api, cors, self._routes = _api(deployment)
        self._logs = Logs(self._client("logs"), stage.log_dir, faults)
        spawn = spawner(
            self._logs,
            region=deployment.region,
            endpoint_url=stage.endpoint_url,
            lambda_url=stage.lambda_url,
        )
        self._functions = Functions(specs, spawn)
        self._executor = ThreadPoolExecutor(_WAITING, thread_name_prefix="invoke")
        self._delivery = self._make_delivery(faults)
        self._sources = [
            event_source_of(resource.properties)
            for resource in deployment.of_type("AWS::Lambda::EventSourceMapping")
        ]
        self._streams: list[StreamPlayer] = []
        gateway = Gateway(
            api,
            RouteTable(self._routes),
            self._functions.invoke,
            self._executor,
            verifier=self._verifier() if stage.auth else None,
            port=stage.api_listener.getsockname()[1],
            cors=cors,
        )
        lambda_api = LambdaApi(self._functions.invoke, self._functions.pool, self._executor)
        # Of the copies, which are closed with these players: who comes meanwhile waits, and is
        # answered by the next.
        listeners = (stage.api_listener.dup(), stage.lambda_listener.dup())
        self._front = Front(list(zip((gateway, lambda_api), listeners, strict=True)))

    def start(self) -> None:
        """Starts everything.

        Raises:
            UnavailableError: The gateway does not start.
        """
        # Stopped in reverse: first who calls functions, then the functions, then their logs.
        self._running.callback(self._logs.stop)
        self._logs.start()
        self._running.callback(self._ship_last_lines)
        self._running.callback(self._executor.shutdown)
        self._running.callback(self._delivery.stop)
        self._delivery.start()
        # How far they have come is read here: others may have played until now.
        self._streams = [self._make_stream(source) for source in self._sources]
        for stream in self._streams:
            self._running.callback(stream.join)
            stream.start()
        self._running.callback(self._front.join)
        # What runs is ended, not waited for: a function may take minutes.
        self._running.callback(self._functions.stop)
        for stream in self._streams:
            self._running.callback(stream.stop)
        self._running.callback(self._front.stop)
        self._front.start()
        for arn in {route.function for route in self._routes}:
            self._executor.submit(self._functions.pool(arn).warm)

    def flush(self) -> None:
        """Brings everything under way to its end.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
            UnavailableError: A function does not get on with its records.
        """
        for stream in self._streams:
            stream.flush()
        self._logs.flush()
        self._delivery.flush()

    def death(self) -> str | None:
        """One line if the gateway has ended; None while it lives."""
        return self._front.death()

    def stop(self) -> None:
        """Stops everything; may be called again."""
        self._running.close()

    def _ship_last_lines(self) -> None:
        # Without an emulator, the files alone have them.
        if self._stage.emulated():
            with contextlib.suppress(BotoCoreError, ClientError):
                self._logs.flush()

    def _client(self, service: str) -> Any:
        return create_client(
            service, region=self._deployment.region, endpoint_url=self._stage.endpoint_url
        )

    def _make_delivery(self, faults: Faults) -> Delivery:
        filters = {
            resource.physical_id: log_pattern.parse(resource.properties["FilterPattern"])
            for resource in self._deployment.of_type("AWS::Logs::SubscriptionFilter")
        }
        streams = [
            stream_of(resource.physical_id, resource.properties)
            for resource in self._deployment.of_type("AWS::KinesisFirehose::DeliveryStream")
        ]
        return Delivery(
            self._client("s3"), streams, filters, notes=self._stage.notes, faults=faults
        )

    def _make_stream(self, source: EventSource) -> StreamPlayer:
        after, reached = self._position(source)
        # A client of its own: the reader takes records off the wire.
        client = self._client("dynamodbstreams")
        shards = Shards(client, source.stream_arn, self._deployment.region, source.wanted, after)
        return StreamPlayer(
            source,
            shards,
            invoke=self._functions.invoke,
            fail=self._queue_sender(),
            reached=reached,
            faults=self._faults,
        )

    def _position(
        self, source: EventSource
    ) -> tuple[Mapping[str, str], Callable[[Mapping[str, str]], None]]:
        """How far an event source has come, and what notes it."""
        notes, key = self._stage.notes, source.position
        found = notes.read(key)
        # Of another stream than this one it says nothing.
        same = found is not None and found["stream"] == source.stream_arn

        def reached(after: Mapping[str, str]) -> None:
            notes.write(key, {"stream": source.stream_arn, "after": dict(after)})

        return (found["after"] if same else {}), reached

    def _queue_sender(self) -> Callable[[str, str], None]:
        client = self._client("sqs")

        def send(arn: str, message: str) -> None:
            url = client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=message)

        return send

    def _verifier(self) -> Verifier:
        credentials = Session().get_credentials()
        return Verifier(
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            token=credentials.token,
            region=self._deployment.region,
            account_id=self._deployment.account_id,
        )


def _api(deployment: Deployment) -> tuple[Api, Cors, list[Route]]:
    apis = list(deployment.of_type("AWS::ApiGatewayV2::Api"))
    if len(apis) > 1:
        raise TopshelfError("the local cloud plays one HTTP API, the template has several")
    routes = [route for api in apis for route in routes_of(api.properties.get("Body", {}))]
    integrations = {
        integration.physical_id: integration.properties
        for integration in deployment.of_type("AWS::ApiGatewayV2::Integration")
    }
    routes += [
        declared_route(route.properties, integrations)
        for route in deployment.of_type("AWS::ApiGatewayV2::Route")
    ]
    api_id = apis[0].physical_id if apis else "local"
    cors = Cors.of(apis[0].properties.get("CorsConfiguration", {}) if apis else {})
    return Api(api_id, deployment.account_id, deployment.region), cors, routes
