"""What functions write: to a file for people, and to CloudWatch Logs as in AWS.

Subscriptions stay where they are in AWS, on the log group. moto forwards every line of a group to
its subscriptions whatever their patterns say, in the payload that CloudWatch Logs sends; the
pattern is applied where the local cloud takes those payloads up again (``delivery``). So lines
have one way, and an emulator that does apply patterns fits as well.
"""

import contextlib
import os
import selectors
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.faults import Faults
from infra.local.folders import unwritable
from topshelf.errors import UnavailableError

__all__ = ["Logs"]

_PART: Final = "logs"
_DISK: Final = "log files"
_CHUNK: Final = 1 << 16
# Limits of PutLogEvents.
_BATCH_EVENTS: Final = 10_000
_BATCH_BYTES: Final = 1_000_000
_EVENT_BYTES: Final = 250_000
_EVENT_OVERHEAD: Final = 26
# An emulator keeps everything in memory: older streams than the last two go.
_STREAM_EVENTS: Final = 20_000


@dataclass(slots=True)
class _Log:
    group: str
    file: FileIO
    waiting: deque[tuple[int, str]] = field(default_factory=deque)
    streams: list[str] = field(default_factory=list)
    written: int = 0


@dataclass(slots=True)
class _Source:
    descriptor: int
    log: _Log
    rest: bytes = b""


class Logs:
    """Collects the output of workers.

    Args:
        client: Of CloudWatch Logs.
        directory: For the files, ``<function>.log``.
        faults: Where an outage is noted.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, client: Any, directory: Path, faults: Faults, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._directory = directory
        self._faults = faults
        self._clock = clock
        self._logs: dict[str, _Log] = {}
        self._selector = selectors.DefaultSelector()
        self._reading = threading.RLock()
        self._shipping = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._wake_in, self._wake_out = os.pipe()
        self._selector.register(self._wake_in, selectors.EVENT_READ)

    def start(self, period: float = 1.0) -> None:
        """Starts to read, and to ship once a period.

        Args:
            period: Seconds.
        """
        for target, arguments in ((self._read_on, ()), (self._ship_on, (period,))):
            thread = threading.Thread(
                target=self._faults.guard,
                args=(_PART, target, *arguments),
                daemon=True,
                name="logs",
            )
            thread.start()
            self._threads.append(thread)

    def follow(self, function: str, group: str, descriptor: int) -> None:
        """Reads a worker's output until it ends.

        Args:
            function: Its name.
            group: Its log group.
            descriptor: The readable end; closed here.

        Raises:
            UnavailableError: The function's file cannot be written; the descriptor stays open.
        """
        os.set_blocking(descriptor, False)
        with self._reading:
            if function not in self._logs:
                self._logs[function] = _Log(group, self._open(function))
            source = _Source(descriptor, self._logs[function])
            self._selector.register(descriptor, selectors.EVENT_READ, source)
        self._wake()

    def flush(self) -> None:
        """Brings every line written so far to CloudWatch Logs.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        self._drain()
        self._ship()

    def stop(self) -> None:
        """Reads what is left into the files, and ends; the emulator may be gone by then."""
        self._stopped.set()
        self._wake()
        for thread in self._threads:
            thread.join()
        self._drain()
        with self._reading:
            for key in list(self._selector.get_map().values()):
                if key.data is not None:
                    self._forget(key.data)
            for log in self._logs.values():
                log.file.close()
            self._logs.clear()
            self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _wake(self) -> None:
        os.write(self._wake_out, b"\0")

    def _read_on(self) -> None:
        while not self._stopped.is_set():
            ready = self._selector.select()
            with self._reading:
                for key, _ in ready:
                    if key.data is None:
                        os.read(self._wake_in, _CHUNK)
                    elif key.fd in self._selector.get_map():
                        self._drain_source(key.data)

    def _drain(self) -> None:
        with self._reading:
            for key in list(self._selector.get_map().values()):
                if key.data is not None:
                    self._drain_source(key.data)

    def _drain_source(self, source: _Source) -> None:
        parts = [source.rest]
        ended = False
        with contextlib.suppress(BlockingIOError):
            while not ended:
                part = os.read(source.descriptor, _CHUNK)
                parts.append(part)
                ended = not part
        *lines, source.rest = b"".join(parts).split(b"\n")
        if ended and source.rest:
            lines.append(source.rest)
        now = int(self._clock() * 1000)
        for line in lines:
            if line.strip():
                source.log.waiting.append((now, line.decode("utf-8", "replace")))
        if lines:
            self._write(source.log, b"\n".join([*lines, b""]))
        if ended:
            self._forget(source)

    def _open(self, function: str) -> FileIO:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a line that a full disk refuses is not held back to fail again.
            return (self._directory / f"{function}.log").open("ab", buffering=0)
        except OSError as error:
            # Whoever waits for the function hears of it, and whoever watches.
            text = unwritable(self._directory, error)
            self._faults.record(_DISK, text)
            raise UnavailableError(text) from error

    def _write(self, log: _Log, content: bytes) -> None:
        try:
            log.file.write(content)
        except OSError as error:
            self._faults.record(_DISK, unwritable(self._directory, error))

    def _forget(self, source: _Source) -> None:
        self._selector.unregister(source.descriptor)
        os.close(source.descriptor)

    def _ship_on(self, period: float) -> None:
        while not self._stopped.wait(period):
            try:
                self._ship()
            except (BotoCoreError, ClientError) as error:
                # The lines wait; the files have them already.
                self._faults.record(_PART, f"logs do not reach the emulated AWS: {error}")
            else:
                self._faults.clear(_PART)

    def _ship(self) -> None:
        with self._shipping:
            for log in list(self._logs.values()):
                for batch in _batches(log.waiting):
                    self._client.put_log_events(
                        logGroupName=log.group,
                        logStreamName=self._stream(log),
                        logEvents=[{"timestamp": at, "message": text} for at, text in batch],
                    )
                    log.written += len(batch)
                    for _ in batch:
                        log.waiting.popleft()

    def _stream(self, log: _Log) -> str:
        if not log.streams or log.written >= _STREAM_EVENTS:
            day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")
            name = f"{day}/[$LATEST]{uuid.uuid4().hex}"
            self._client.create_log_stream(logGroupName=log.group, logStreamName=name)
            log.streams.append(name)
            log.written = 0
            if len(log.streams) > 2:
                old = log.streams.pop(0)
                self._client.delete_log_stream(logGroupName=log.group, logStreamName=old)
        return log.streams[-1]


def _batches(waiting: deque[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    # The caller takes a batch off when it has arrived, and only then asks for the next.
    while waiting:
        batch: list[tuple[int, str]] = []
        size = 0
        for at, text in list(islice(waiting, _BATCH_EVENTS)):
            short = text.encode()[:_EVENT_BYTES].decode("utf-8", "ignore")
            size += len(short.encode()) + _EVENT_OVERHEAD
            if batch and size > _BATCH_BYTES:
                break
            batch.append((at, short))
        yield batch
