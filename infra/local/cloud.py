"""The local cloud as the command line sees it: one thing to start, to ask and to stop."""

import platform
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Literal, Self

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import Progress, deploy
from infra.local.emulator import Emulator, emulator
from infra.local.faults import Faults
from infra.local.listening import free_port, listen
from infra.local.players import Players, Stage
from infra.local.provision import Context
from infra.local.translate import Translation, translate
from topshelf.aws.clients import create_client
from topshelf.errors import UnavailableError

__all__ = ["LocalCloud", "LocalCloudOptions"]

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_ARCHITECTURES: Final = {"aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class LocalCloudOptions:
    """What a local cloud is made of.

    Attributes:
        template: The SAM template.
        stack_name: Name of the stack.
        region: AWS region.
        cloud_port: Of the emulated AWS. For each port, 0 means any free one.
        api_port: Of the HTTP API.
        lambda_port: Of Lambda's Invoke API.
        auth: Whether requests must be signed where the template says so.
        parameters: Template parameters that differ from the defaults. ``Architecture``, where the
            template has it, is this machine's unless given.
        state_dir: For logs.
        emulator: Which emulator.
        endpoint_url: Of a LocalStack; on the cloud port of this machine when None.
        concurrency: Most workers of one function at once.
        persist: Folder that keeps the emulator's state between runs; None for none.
    """

    template: Path = _REPOSITORY / "template.yaml"
    stack_name: str = "topshelf"
    region: str = "us-east-1"
    cloud_port: int = 4566
    api_port: int = 8000
    lambda_port: int = 3001
    auth: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    state_dir: Path = _REPOSITORY / ".topshelf"
    emulator: Literal["moto", "localstack"] = "moto"
    endpoint_url: str | None = None
    concurrency: int = 2
    persist: Path | None = None


class LocalCloud:
    """A stack that runs on this machine; a context manager that stops it in the end.

    Args:
        options: What it is made of.

    Attributes:
        outputs: The stack's outputs; empty before start.
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
            self._start(progress)
        except (BotoCoreError, ClientError) as error:
            death = self._emulator.death()
            self.stop()
            raise UnavailableError(death or f"the emulated AWS refuses: {error}") from error
        except BaseException:
            self.stop()
            raise

    def flush(self) -> None:
        """Brings everything under way to its end: stream records, log lines, delivery to S3.

        Raises:
            UnavailableError: The emulator does not answer, or a function does not get on.
        """
        try:
            if self._players:
                self._players.flush()
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(self.failure() or f"the emulated AWS: {error}") from error

    def failure(self) -> str | None:
        """One line if a part does not work: which, and what to do; None while all is well."""
        gone = self._players.death() if self._players else None
        return self._emulator.death() or gone or self._faults.first()

    def stop(self) -> None:
        """Stops what was started here, last part first; may be called again."""
        self._players = None
        self._parts.close()

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
        deployment = deploy(context, self.api_url, progress)
        stage = Stage(
            endpoint_url=self.endpoint_url,
            lambda_url=self.lambda_url,
            log_dir=options.state_dir / "logs",
            concurrency=options.concurrency,
            auth=options.auth,
            api_listener=listeners[0],
            lambda_listener=listeners[1],
        )
        players = Players(deployment, translation, stage, self._faults)
        self._parts.callback(players.stop)
        players.start()
        self._players = players
        self.outputs = deployment.outputs

    def _translate(self) -> Translation:
        options = self.options
        machine = _ARCHITECTURES.get(platform.machine(), "x86_64")
        preferred = {"Architecture": machine}
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
