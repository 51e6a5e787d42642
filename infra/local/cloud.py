"""The local cloud as the command line sees it: one thing to start, to ask and to stop."""

import platform
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.cloud_options import LocalCloudOptions
from infra.local.deploy import Deployment, Progress, Resource, deploy
from infra.local.emulator import Emulator, emulator
from infra.local.faults import Faults
from infra.local.listening import free_port, listen
from infra.local.notes import BucketNotes
from infra.local.players import Players, Stage
from infra.local.provision import Context
from infra.local.rollout import Changes, last_deployment, leftovers, settle, sweep
from infra.local.translate import Translation, translate
from topshelf.aws.clients import create_client
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["LocalCloud", "LocalCloudOptions"]

_ARCHITECTURES: Final = {"aarch64": "arm64", "arm64": "arm64"}


class LocalCloud:
    """A stack that runs on this machine; a context manager that stops it in the end.

    Args:
        options: What it is made of.

    Attributes:
        outputs: The stack's outputs; empty before start.
        changes: What the template changed of what a folder kept; empty where nothing was kept.
        api_url: The HTTP API.
        endpoint_url: The emulated AWS.
        lambda_url: Lambda's Invoke API.
    """

    def __init__(self, options: LocalCloudOptions) -> None:
        options = self.options = replace(
            options,
            cloud_port=options.cloud_port or free_port(),
            api_port=options.api_port or free_port(),
            lambda_port=options.lambda_port or free_port(),
        )
        self.outputs: Mapping[str, str] = {}
        self.changes = Changes()
        self.api_url = f"http://localhost:{options.api_port}"
        self.lambda_url = f"http://localhost:{options.lambda_port}"
        self._emulator: Emulator = emulator(
            options.emulator,
            port=options.cloud_port,
            endpoint_url=options.endpoint_url,
            log=options.state_dir / "logs" / "emulator.log",
            persist=options.persist,
        )
        self.endpoint_url = self._emulator.endpoint_url
        self._faults = Faults()
        self._parts = ExitStack()
        self._players: Players | None = None
        self._played: tuple[Deployment, Context, Stage] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, progress: Progress = lambda _label, _done, _total: None) -> None:
        """Starts everything and deploys the template.

        Args:
            progress: Told what is done next, how much is done, how much there is; called in this
                thread.

        Raises:
            TopshelfError: Something cannot be started; the text says what to do. Nothing is left
                running.
        """
        try:
            with self._refusals():
                self._start(progress)
        except BaseException:
            self.stop()
            raise

    def update(self, progress: Progress = lambda _label, _done, _total: None) -> Changes:
        """Deploys the template as it is now, in place: what is held stays, and requests wait.

        Args:
            progress: As for start.

        Returns:
            What changed; nothing where the template says the same.

        Raises:
            TopshelfError: It cannot be deployed; what ran before goes on.
        """
        if self._players is None or self._played is None:
            raise UnavailableError("the local cloud is not started")
        before, _, stage = self._played
        made: dict[str, Resource] = {}
        try:
            context = self._context(self._translate())
            deployment = deploy(context, self.api_url, progress, before.resources, made)
            if deployment == before:
                return Changes()
            players = Players(deployment, context.translation, stage, self._faults)
        except (TopshelfError, BotoCoreError, ClientError) as error:
            raise self._taken_back(made, error) from error
        # From here on it is the new one that is stopped in the end.
        old, self._players = self._players, players
        old.stop()
        self._faults.forget()
        with self._refusals():
            players.start()
            self._played = deployment, context, stage
            self.outputs = deployment.outputs
            return settle(context, stage.notes, before.resources, deployment)

    def flush(self) -> None:
        """Brings everything under way to its end: stream records, log lines, delivery to S3.

        Raises:
            UnavailableError: The emulator does not answer, or a function does not get on.
        """
        with self._refusals():
            if self._players:
                self._players.flush()

    def failure(self) -> str | None:
        """One line if a part does not work: which, and what to do; None while all is well."""
        gone = self._players.death() if self._players else None
        return self._emulator.death() or gone or self._faults.first()

    def stop(self) -> None:
        """Stops what was started here, last part first; may be called again."""
        self._parts.close()
        self._players = self._played = None

    def _start(self, progress: Progress) -> None:
        options = self.options
        self._on_terminate()
        self._emulator.check()
        listeners = []
        for port, purpose, option in (
            (options.api_port, "the HTTP API", "--api-port or TOPSHELF_API_PORT"),
            (options.lambda_port, "Lambda's API", "--lambda-port or TOPSHELF_LAMBDA_PORT"),
        ):
            listeners.append(listen(port, purpose, option))
            self._parts.callback(listeners[-1].close)
        progress("emulated AWS", 0, 1)
        # Both take a second, the one in another process.
        with ThreadPoolExecutor(1) as beside:
            translating = beside.submit(self._translate)
            self._parts.callback(self._emulator.stop)
            self._emulator.start()
            translation = translating.result()
        context = self._context(translation)
        notes = BucketNotes(self._client("s3"), options.stack_name, options.region)
        before = last_deployment(notes)
        deployment = deploy(context, self.api_url, progress)
        stage = Stage(
            endpoint_url=self.endpoint_url,
            lambda_url=self.lambda_url,
            log_dir=options.state_dir / "logs",
            concurrency=options.concurrency,
            auth=options.auth,
            api_listener=listeners[0],
            lambda_listener=listeners[1],
            notes=notes,
            emulated=lambda: self._emulator.death() is None,
        )
        self._players = Players(deployment, translation, stage, self._faults)
        self._parts.callback(self._stop_players)
        for listener in listeners:
            # Before anything else ends: who comes too late hears so at once.
            self._parts.callback(listener.close)
        self._players.start()
        self._played = deployment, context, stage
        self.outputs = deployment.outputs
        self.changes = settle(context, notes, before, deployment)

    def _stop_players(self) -> None:
        if self._players:
            self._players.stop()

    def _taken_back(self, made: Mapping[str, Resource], error: Exception) -> UnavailableError:
        """Deploys again what ran before; gives the error that says how that went."""
        reason = f"template.yaml as it is now cannot be deployed ({error})"
        try:
            if self._played and made:
                before, context, _ = self._played
                standing = {**before.resources, **made}
                deploy(context, self.api_url, lambda _label, _done, _total: None, standing)
                sweep(context, leftovers(made, before.resources))
        except (TopshelfError, BotoCoreError, ClientError) as second:
            return UnavailableError(
                f"{reason}, nor could what ran before be restored ({second}); "
                "end the local cloud and start it again"
            )
        return UnavailableError(f"{reason}; what ran before goes on")

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What the emulator refuses is one line, or rather why it does not answer at all."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            reason = self.failure() or f"the emulated AWS refuses: {error}"
            raise UnavailableError(reason) from error

    def _translate(self) -> Translation:
        options = self.options
        machine = _ARCHITECTURES.get(platform.machine(), "x86_64")
        # CodeDeploy is played by nobody here.
        preferred = {"Architecture": machine, "GradualDeployment": "false"}
        return translate(options.template, options.parameters, options.region, preferred)

    def _context(self, translation: Translation) -> Context:
        options = self.options
        return Context(
            stack_name=options.stack_name,
            region=options.region,
            account_id=self._client("sts").get_caller_identity()["Account"],
            endpoint_url=self.endpoint_url,
            translation=translation,
            plays_functions=self._emulator.plays_functions,
        )

    def _client(self, service: str) -> Any:
        return create_client(service, region=self.options.region, endpoint_url=self.endpoint_url)

    def _on_terminate(self) -> None:
        """Makes SIGTERM end the ``with`` block as Ctrl-C does, unless somebody handles it."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)
            self._parts.callback(signal.signal, signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
