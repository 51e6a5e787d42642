"""Functions as the local cloud runs them: worker processes of their own, with Lambda's rules.

A worker answers one invocation at a time. One that takes longer than the function's timeout is
killed and replaced; one that dies answers with the error that Lambda gives.
"""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.local.frames import ChannelClosedError
from infra.local.process import Process
from topshelf.errors import NotFoundError, UnavailableError

__all__ = ["PAYLOAD_LIMIT", "Function", "Functions", "Invocation", "Pool"]

# Lambda gives an import 10 seconds; a busy laptop deserves more.
_INIT_SECONDS: Final = 60.0
# Of an invocation and of its answer, in bytes.
PAYLOAD_LIMIT: Final = 6 * 1024 * 1024

Spawn = Callable[["Function"], Process]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the template.

    Attributes:
        name: Its name.
        arn: Its ARN.
        directory: Where its code is.
        handler: Module and function.
        environment: Variables that the template gives it.
        timeout: Seconds that an invocation may take.
        memory_mb: Told to the handler; not enforced.
        log_group: Where its output goes.
        concurrency: Most workers at once.
    """

    name: str
    arn: str
    directory: Path
    handler: str
    environment: Mapping[str, str]
    timeout: float
    memory_mb: int
    log_group: str
    concurrency: int = 2


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of an invocation.

    Attributes:
        payload: The result or the error, as JSON.
        failed: Whether it is an error.
        request_id: The invocation's id.
    """

    payload: bytes
    failed: bool
    request_id: str


class Pool:
    """The workers of one function.

    Args:
        function: The function.
        spawn: Starts a worker.
    """

    def __init__(self, function: Function, spawn: Spawn) -> None:
        self.function = function
        self._spawn = spawn
        self._slots = threading.Semaphore(function.concurrency)
        self._lock = threading.Lock()
        self._idle: deque[Process] = deque()
        self._all: set[Process] = set()
        self._closed = False

    def warm(self) -> None:
        """Starts the first worker, so that the first invocation finds it ready."""
        with self._slots:
            worker = self._take()
            try:
                ready = worker.ready(time.monotonic() + _INIT_SECONDS) is None
            except (ChannelClosedError, TimeoutError):
                # The invocation that meets it again reports it.
                ready = False
            if ready:
                self._idle.append(worker)
            else:
                self._drop(worker)

    def invoke(self, payload: bytes) -> Invocation:
        """Calls the function and waits for what comes of it.

        Args:
            payload: The event, as JSON.

        Raises:
            UnavailableError: The local cloud is being stopped.
        """
        request_id = str(uuid.uuid4())
        with self._slots:
            worker = self._take()
            try:
                failure = worker.ready(time.monotonic() + _INIT_SECONDS)
                if failure is not None:
                    self._drop(worker)
                    return Invocation(failure, failed=True, request_id=request_id)
                limit = time.time() + self.function.timeout
                header = json.dumps(self._header(request_id, limit)).encode()
                answer = worker.ask(header, payload, time.monotonic() + self.function.timeout)
            except TimeoutError:
                self._drop(worker)
                text = f"Task timed out after {self.function.timeout:.2f} seconds"
                return self._broken("Sandbox.Timedout", text, request_id)
            except ChannelClosedError:
                text = f"Runtime exited with error: {worker.ending()}"
                self._drop(worker)
                return self._broken("Runtime.ExitError", text, request_id)
            except BaseException:
                self._drop(worker)
                raise
            self._idle.append(worker)
        return Invocation(answer[1:], failed=answer[:1] == b"-", request_id=request_id)

    def stop(self) -> None:
        """Ends every worker."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            # One in use is released by the thread that waits for it.
            worker.end()
        while self._idle:
            self._drop(self._idle.pop())

    def _take(self) -> Process:
        try:
            # The one used last has the warmest caches.
            worker = self._idle.pop()
        except IndexError:
            pass
        else:
            if worker.alive():
                return worker
            self._drop(worker)
        with self._lock:
            if self._closed:
                raise UnavailableError("the local cloud is being stopped")
            worker = self._spawn(self.function)
            self._all.add(worker)
        return worker

    def _drop(self, worker: Process) -> None:
        worker.release()
        with self._lock:
            self._all.discard(worker)

    def _header(self, request_id: str, limit: float) -> dict[str, Any]:
        function = self.function
        return {
            "aws_request_id": request_id,
            "function_name": function.name,
            "function_version": "$LATEST",
            "invoked_function_arn": function.arn,
            "memory_limit_in_mb": str(function.memory_mb),
            "log_group_name": function.log_group,
            "log_stream_name": "$LATEST",
            "deadline_ms": limit * 1000,
        }

    @staticmethod
    def _broken(kind: str, text: str, request_id: str) -> Invocation:
        shape = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {text}"}
        return Invocation(json.dumps(shape).encode(), failed=True, request_id=request_id)


class Functions:
    """Every function of the stack.

    Args:
        functions: They.
        spawn: Starts a worker of one.
    """

    def __init__(self, functions: Iterable[Function], spawn: Spawn) -> None:
        self._pools = {function.name: Pool(function, spawn) for function in functions}

    def __iter__(self) -> Any:
        return iter(self._pools.values())

    def invoke(self, name: str, payload: bytes) -> Invocation:
        """Calls a function.

        Args:
            name: Its name or its ARN.
            payload: The event, as JSON.

        Raises:
            NotFoundError: There is no such function.
            UnavailableError: The local cloud is being stopped.
        """
        return self.pool(name).invoke(payload)

    def pool(self, name: str) -> Pool:
        """The workers of a function.

        Args:
            name: Its name or its ARN, with or without a qualifier.

        Raises:
            NotFoundError: There is no such function.
        """
        parts = name.split(":")
        plain = parts[parts.index("function") + 1] if "function" in parts else parts[0]
        if plain not in self._pools:
            raise NotFoundError(f"Function not found: {name}")
        return self._pools[plain]

    def stop(self) -> None:
        """Ends every worker."""
        for pool in self._pools.values():
            pool.stop()
