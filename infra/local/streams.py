"""Plays event source mappings: calls functions with a stream's new records, as Lambda does.

Reference: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.batches import Batch, Outcome, next_step
from infra.local.event_source import EventSource
from infra.local.faults import Faults
from infra.local.functions import Invocation
from infra.local.records import Shards
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["StreamPlayer"]

_IDLE_SECONDS: Final = 0.25
_OUTAGE_SECONDS: Final = 1.0
_BACKOFF_SECONDS: Final = 2.0
_FLUSH_SECONDS: Final = 300.0

Invoke = Callable[[str, bytes], Invocation]
Fail = Callable[[str, str], None]


class StreamPlayer:
    """Plays one event source in a thread of its own.

    Args:
        source: The mapping.
        shards: Reads the stream.
        invoke: Calls a function by name.
        fail: Sends a message to the queue of an ARN.
        reached: Told how far it has come: the sequence number of the last record done, by shard.
        faults: Where an outage is noted.
    """

    def __init__(
        self,
        source: EventSource,
        shards: Shards,
        *,
        invoke: Invoke,
        fail: Fail,
        reached: Callable[[Mapping[str, str]], None],
        faults: Faults,
    ) -> None:
        self._source = source
        self._shards = shards
        self._invoke = invoke
        self._fail = fail
        self._reached = reached
        self._done: dict[str, str] = {}
        self._told: dict[str, str] | None = None
        self._faults = faults
        self._part = f"event source of {source.function}"
        self._pending: dict[str, deque[dict[str, Any]]] = {}
        self._since: dict[str, float] = {}
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._asked = self._flushed = 0
        self._thread = threading.Thread(
            target=faults.guard, args=(self._part, self._run), daemon=True, name="streams"
        )

    def start(self) -> None:
        """Starts to read."""
        self._thread.start()

    def flush(self) -> None:
        """Waits until every record written so far has been given to the function.

        Raises:
            UnavailableError: That does not come about.
        """
        with self._changed:
            self._asked += 1
            target = self._asked
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: self._flushed >= target or self._stopped.is_set(), _FLUSH_SECONDS
            )
        if not done or self._flushed < target:
            raise UnavailableError(f"{self._part}: the records are not through; see its log")

    def stop(self) -> None:
        """Has the thread end after the invocation that runs; does not wait for it."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def join(self) -> None:
        """Waits until the thread has ended."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._play()
        finally:
            # Whoever waits for a flush need not wait for a thread that has ended.
            self._stopped.set()
            with self._changed:
                self._changed.notify_all()

    def _play(self) -> None:
        while not self._stopped.is_set():
            asked = self._asked
            try:
                quiet = self._round(in_haste=asked > self._flushed)
            except (BotoCoreError, ClientError, TopshelfError) as error:
                self._faults.record(self._part, f"{self._part} cannot be read: {error}")
                self._stopped.wait(_OUTAGE_SECONDS)
                continue
            self._faults.clear(self._part)
            if quiet:
                with self._changed:
                    self._flushed = asked
                    self._changed.notify_all()
                    if self._asked == asked and not self._stopped.is_set():
                        self._changed.wait(_IDLE_SECONDS)

    def _round(self, *, in_haste: bool) -> bool:
        """Reads once and delivers what is due; whether there was nothing at all."""
        quiet = True
        for shard, seen, records in self._shards.read():
            pending = self._pending.setdefault(shard, deque())
            if records and not pending:
                self._since[shard] = time.monotonic()
            pending.extend(records)
            while len(pending) >= self._source.batch_size and not self._stopped.is_set():
                self._deliver_next(shard, pending)
            waited = time.monotonic() - self._since.get(shard, 0)
            if pending and (in_haste or waited >= self._source.window):
                self._deliver_next(shard, pending)
            # What nobody waits for is done once it is read.
            last = self._shards.last(shard)
            if last is not None and not pending:
                self._done[shard] = last
            quiet = quiet and not seen and not pending
        self._tell()
        # While a window fills, the stream need not be asked at full speed.
        if not quiet and any(self._pending.values()):
            with self._changed:
                self._changed.wait_for(
                    lambda: self._asked > self._flushed or self._stopped.is_set(), 0.1
                )
        return quiet

    def _deliver_next(self, shard: str, pending: deque[dict[str, Any]]) -> None:
        count = min(len(pending), self._source.batch_size)
        batch = Batch(tuple(pending[i] for i in range(count)))
        todo = [batch]
        while todo:
            if self._stopped.is_set():
                return
            step = self._try(todo.pop())
            if self._stopped.is_set() and (step.again or step.given_up):
                return  # it failed because it was ended: it is tried again with the next start
            if step.given_up is not None:
                self._give_up(shard, step.given_up, step.condition, step.request_id)
            todo += reversed(step.again)
            if step.backoff:
                self._stopped.wait(min(_BACKOFF_SECONDS, 0.1 * 2**step.backoff))
        for _ in range(count):
            self._done[shard] = pending.popleft()["dynamodb"]["SequenceNumber"]
        self._tell()
        self._since[shard] = time.monotonic()

    def _tell(self) -> None:
        """Tells how far it has come: at first too, so that it is known that somebody reads."""
        if self._done != self._told:
            self._reached(self._done)
            self._told = dict(self._done)

    def _try(self, batch: Batch) -> Outcome:
        fresh, stale = batch.split_by_age(time.time(), self._source.max_age)
        if stale is not None:
            again = () if fresh is None else (fresh,)
            return Outcome(again=again, given_up=stale, condition="RecordAgeExceeded")
        event = json.dumps({"Records": batch.records}, separators=(",", ":")).encode()
        invocation = self._invoke(self._source.function, event)
        return next_step(
            batch,
            invocation,
            partial=self._source.partial,
            bisect=self._source.bisect,
            retries=self._source.retries,
        )

    def _give_up(self, shard: str, batch: Batch, condition: str, request_id: str) -> None:
        if self._source.destination:
            message = batch.failure_message(
                shard=shard,
                stream_arn=self._source.stream_arn,
                function=self._source.function,
                condition=condition,
                request_id=request_id,
                now=time.time(),
            )
            self._fail(self._source.destination, json.dumps(message))
