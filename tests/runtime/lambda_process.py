"""A built artefact as Lambda runs it, without a container: the runtime interface emulator and
Lambda's own Python client of it, with nothing to import but the artefact, the layer and boto3."""

import json
import os
import platform
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.listening import free_port
from tests.conftest import ROOT

_MACHINE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
_INTERFACE = "lib/python3.13/site-packages/samcli/local/rapid/aws-lambda-rie-" + _MACHINE
EMULATOR = ROOT / ".sam" / _INTERFACE
RUNTIME = ROOT / ".build" / "runtime"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Code:
    """What a process may import, in Lambda's order.

    Attributes:
        task: The function's artefact.
        layer: The layer's packages; None for none.
        more: Folders after them.
    """

    task: Path
    layer: Path | None
    more: tuple[Path, ...] = ()

    def path(self) -> str:
        """For PYTHONPATH."""
        return ":".join(map(str, filter(None, (self.task, self.layer, *self.more, RUNTIME))))


class LambdaProcess:
    """One execution environment; a context manager that ends it.

    Args:
        code: What it may import.
        variables: Of the function.
        log: File for its output.
        handler: As the template names it.
    """

    def __init__(
        self,
        code: Code,
        variables: dict[str, str],
        log: Path,
        handler: str = "handler.lambda_handler",
    ) -> None:
        self._port = free_port()
        self._url = f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations"
        self._log = log
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": code.path(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(code.task),
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **variables,
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    str(EMULATOR),
                    "--runtime-interface-emulator-address",
                    f"127.0.0.1:{self._port}",
                    "--runtime-api-address",
                    f"127.0.0.1:{free_port()}",
                    # Not the libraries that this interpreter has beside it.
                    sys.executable,
                    "-S",
                    "-m",
                    "awslambdaric",
                    handler,
                ],
                cwd=code.task,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()

    def peak_mib(self) -> float:
        """The most memory that the function's process has had, MiB."""
        status = (self._function() / "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def processor_seconds(self) -> float:
        """What the function's process has had of the processor, by all its threads.

        Time of waiting is not in it, nor what the machine does beside it
        (https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat).
        """
        threads = (self._function() / "task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def _function(self) -> Path:
        children = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        (function,) = {child for of in children for child in of.read_text().split()}
        return Path("/proc") / function

    def invoke(self, event: dict[str, Any]) -> Any:
        """Sends an event, as soon as the emulator listens; the function's answer.

        The function's process is started with the first event.
        """
        request = urllib.request.Request(self._url, json.dumps(event).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + _SECONDS
        while True:
            try:
                with opener.open(request, timeout=_SECONDS) as answer:
                    return json.loads(answer.read())
            except (ConnectionError, urllib.error.URLError):
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.002)
