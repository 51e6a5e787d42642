"""MiniStack, an emulator of AWS that runs CloudFormation and Lambda itself, as a process."""

import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.listening import free_port
from tests.conftest import REGION, ROOT
from topshelf.aws.clients import create_client

PROGRAM = ROOT / ".ministack" / "bin" / "ministack"
ACCOUNT = "000000000000"
_SERVICES = ("DYNAMODB", "FIREHOSE", "LAMBDA", "S3", "SECRETS_MANAGER")
_SECONDS = 30.0


class MiniStack:
    """The emulator on a free port of loopback; a context manager that ends it.

    Args:
        folder: For its log and its files.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "ministack.log"
        # Its workers name sockets and folders below: short, and gone with it.
        self._scratch = tempfile.TemporaryDirectory(prefix="ministack-")
        environment = {
            # Functions get all of this: nothing but what Lambda has, and where AWS is.
            "PATH": os.environ["PATH"],
            "HOME": self._scratch.name,
            "TMPDIR": self._scratch.name,
            "STATE_DIR": self._scratch.name,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            # A state machine's waits, 20 s between two looks at an import, take a second.
            "SFN_WAIT_SCALE": "0.05",
            # With one address for all of AWS, functions would take the way of local work.
            "AWS_ENDPOINT_URL": "",
            **{f"AWS_ENDPOINT_URL_{service}": self.url for service in _SERVICES},
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [PROGRAM],
                cwd=self._scratch.name,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        try:
            self._await_health()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def client(self, service: str) -> Any:
        """A client of a service."""
        return create_client(service, REGION, self.url, attempts=1, timeout=60)

    def _await_health(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + _SECONDS
        while True:
            try:
                opener.open(f"{self.url}/_ministack/health", timeout=1).close()
            except OSError:
                ended = self._process.poll() is not None
                assert not ended, self.log.read_text()
                assert time.monotonic() < end, self.log.read_text()
                time.sleep(0.02)
            else:
                return

    def _end(self) -> None:
        # It keeps nothing, and its functions are in its group: all of it at once.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._scratch.cleanup()
