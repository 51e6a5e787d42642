"""One worker process, seen from the local cloud."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.local.frames import read_frame, write_frame

__all__ = ["Process"]

_WAIT_SECONDS: Final = 5.0


class Process:
    """A worker with its private pipes.

    Args:
        directory: The function's code, the worker's working directory.
        handler: Module and function.
        environment: The whole environment.
    """

    def __init__(self, directory: Path, handler: str, environment: Mapping[str, str]) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self.output, output = os.pipe()
        self._lock = threading.Lock()
        self._ended = False
        self._released = False
        self._ready = False
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "infra.local.worker",
                    str(requests),
                    str(answers),
                    handler,
                ],
                cwd=directory,
                env=dict(environment),
                # Its end tells the worker that we are gone, even in the middle of an invocation.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(requests, answers),
                # A group of its own: a Ctrl-C is not for it, and its children die with it.
                start_new_session=True,
            )
        finally:
            for descriptor in (requests, answers, output):
                os.close(descriptor)

    def ready(self, deadline: float) -> bytes | None:
        """Waits until the handler is loaded.

        Args:
            deadline: Of ``time.monotonic``.

        Returns:
            None, or the error as JSON if it cannot be loaded.

        Raises:
            ChannelClosedError: The process ended.
            TimeoutError: The deadline has passed.
        """
        if self._ready:
            return None
        answer = read_frame(self._answers, deadline)
        if answer[:1] == b"-":
            return answer[1:]
        self._ready = True
        return None

    def ask(self, header: bytes, payload: bytes, deadline: float) -> bytes:
        """Sends an invocation and waits for its answer.

        Raises:
            ChannelClosedError: The process ended.
            TimeoutError: The deadline has passed.
        """
        write_frame(self._requests, header)
        write_frame(self._requests, payload)
        return read_frame(self._answers, deadline)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ending(self) -> str:
        """How the process ended, in Lambda's words."""
        try:
            code = self._process.wait(_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "the runtime closed its channel"
        if code < 0:
            return f"signal: {signal.Signals(-code).name.removeprefix('SIG').lower()}"
        return f"exit status {code}"

    def end(self) -> None:
        """Ends the process and its children, from any thread; may be called again.

        Whoever waits for an answer finds the channel closed.
        """
        with self._lock:
            if self._ended:
                return
            self._ended = True
        # Already gone with all its children, mostly.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def release(self) -> None:
        """Ends the process and closes the channel; for the thread that uses it."""
        self.end()
        with self._lock:
            if self._released:
                return
            self._released = True
        os.close(self._requests)
        os.close(self._answers)
