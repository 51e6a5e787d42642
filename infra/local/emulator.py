"""The emulator of AWS's services: a moto server of our own, or a LocalStack that the user runs."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol

from infra.local.folders import writing_to
from infra.local.listening import HOST, listen
from infra.local.moto_exit import NOT_BEGUN, NOT_KEPT
from infra.local.state_folder import StateFolder
from topshelf.errors import InvalidInputError, UnavailableError

__all__ = ["Emulator", "LocalStack", "MotoServer", "emulator"]

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0
# A large state is brought back, and kept in the end, at disk speed.
_STATE_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.05


class Emulator(Protocol):
    """Something that answers AWS's APIs.

    Attributes:
        endpoint_url: Where.
        plays_functions: Whether it would itself call functions from event sources.
    """

    endpoint_url: str
    plays_functions: bool

    def check(self) -> None:
        """Makes sure that it can be started; starts nothing.

        Raises:
            UnavailableError: It cannot; the text says what to do.
        """

    def start(self) -> None:
        """Starts it, if it is ours to start, and waits until it answers.

        Raises:
            UnavailableError: It does not answer.
        """

    def death(self) -> str | None:
        """One line if it has ended; None while it lives."""

    def stop(self) -> None:
        """Stops it, if it is ours to stop; may be called again."""


class MotoServer:
    """A moto server in a process of its own; what it holds goes with it.

    Args:
        port: Where it listens, on loopback.
        log: File for its output.
        persist: Folder that keeps its state between runs; None for none.
        pause: Seconds between two times that it is kept; what is newer goes if it is killed.
    """

    plays_functions = False

    def __init__(
        self, port: int, log: Path, persist: Path | None = None, *, pause: float = 5.0
    ) -> None:
        self.endpoint_url = f"http://localhost:{port}"
        self._port = port
        self._log = log
        self._persist = persist
        self._pause = pause
        self._process: subprocess.Popen[bytes] | None = None

    def check(self) -> None:
        """Makes sure that the port is free, and the folder fit to use.

        Raises:
            UnavailableError: Another program has the port.
            TopshelfError: The folder cannot be used; see StateFolder.
        """
        listen(self._port, "the emulated AWS", "--cloud-port or TOPSHELF_CLOUD_PORT").close()
        if self._persist is not None:
            StateFolder(self._persist).close()

    def start(self) -> None:
        """Starts the process and waits until it answers.

        Raises:
            UnavailableError: It ended, or did not answer in time.
        """
        self.check()
        with writing_to(self._log.parent):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = self._log.open("wb")
        with log as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "infra.local.moto_server", str(self._port)),
                    *([] if self._persist is None else [str(self._persist), str(self._pause)]),
                ],
                # Its end tells the server that we are gone, however we went.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is for us: we stop it when the parts that use it have ended.
                start_new_session=True,
            )
        try:
            patience = _START_SECONDS if self._persist is None else _STATE_SECONDS
            _await(f"http://{HOST}:{self._port}/moto-api/config", self.death, patience)
        except BaseException:
            self.stop()
            raise

    def death(self) -> str | None:
        """One line if the process has ended; None while it lives."""
        if self._process is None or self._process.poll() is None:
            return None
        if self._process.returncode == NOT_BEGUN:
            return self._last_line()
        return (
            f"the emulated AWS ended (exit status {self._process.returncode}); "
            f"see {self._log}, then start again"
        )

    def stop(self) -> None:
        """Ends the process; may be called again.

        Raises:
            UnavailableError: What it held could not all be kept.
        """
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            # It ends at once, without clearing a memory that goes anyway.
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS if self._persist is None else _STATE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode == NOT_KEPT:
            raise UnavailableError(f"{self._last_line()}; what {self._persist} kept before stands")

    def _last_line(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return lines[-1] if lines else f"see {self._log}"


class LocalStack:
    """A LocalStack that the user runs; it is neither started nor stopped here.

    Args:
        endpoint_url: Where it listens.
    """

    plays_functions = True

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url.rstrip("/")

    def check(self) -> None:
        """Makes sure that it answers.

        Raises:
            UnavailableError: It does not.
        """
        url = f"{self.endpoint_url}/_localstack/health"
        advice = "start it with `localstack start`, or unset TOPSHELF_CLOUD to do without"
        try:
            services = json.loads(_get(url)).get("services")
        except (OSError, ValueError, AttributeError) as error:
            raise UnavailableError(
                f"no LocalStack answers at {self.endpoint_url} ({_reason(error)}): {advice}"
            ) from error
        if not isinstance(services, dict):
            raise UnavailableError(
                f"what answers at {self.endpoint_url} is no LocalStack: {advice}"
            )

    def start(self) -> None:
        """Nothing to start; checks again.

        Raises:
            UnavailableError: It does not answer.
        """
        self.check()

    def death(self) -> str | None:
        """One line if it no longer answers; None while it does."""
        try:
            self.check()
        except UnavailableError as error:
            return str(error)
        return None

    def stop(self) -> None:
        """Leaves it alone: it is the user's."""


def emulator(
    kind: Literal["moto", "localstack"],
    *,
    port: int,
    endpoint_url: str | None,
    log: Path,
    persist: Path | None = None,
) -> Emulator:
    """The emulator that the options name.

    Args:
        kind: Which.
        port: Of a moto server.
        endpoint_url: Of a LocalStack; on the same port of this machine when None.
        log: File for a moto server's output.
        persist: Folder that keeps a moto server's state; None for none.

    Raises:
        InvalidInputError: A LocalStack is to keep its state in a folder; it has its own ways.
    """
    if kind == "localstack":
        if persist is not None:
            raise InvalidInputError("persist", "a LocalStack keeps its state itself, or not at all")
        return LocalStack(endpoint_url or f"http://localhost:{port}")
    return MotoServer(port, log, persist)


def _await(url: str, death: Callable[[], str | None], patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        fault = death()
        if fault:
            raise UnavailableError(fault)
        try:
            _get(url)
        except OSError as error:
            if time.monotonic() > deadline:
                raise UnavailableError(f"the emulated AWS does not answer at {url}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _get(url: str) -> bytes:
    # Not through a proxy: the emulator is on this machine or the user's own network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        body: bytes = response.read()
    return body


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(getattr(cause, "strerror", None) or cause)
