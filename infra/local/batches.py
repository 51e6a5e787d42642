"""Batches of stream records: what follows from an invocation's result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.functions import Invocation

__all__ = ["Batch", "Outcome", "next_step"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in order.

    Attributes:
        records: As Lambda gives them to functions.
        attempts: Invocations that failed with the first of them.
    """

    records: tuple[Mapping[str, Any], ...]
    attempts: int = 0

    def split_by_age(self, now: float, max_age: float) -> tuple["Batch | None", "Batch | None"]:
        """The records that are young enough, and those that are not."""
        if max_age < 0:
            return self, None
        old = [r for r in self.records if now - _arrival(r) > max_age]
        if not old:
            return self, None
        young = tuple(r for r in self.records if now - _arrival(r) <= max_age)
        return (Batch(young, self.attempts) if young else None), Batch(tuple(old), self.attempts)

    def failure_message(
        self,
        *,
        shard: str,
        stream_arn: str,
        function: str,
        condition: str,
        request_id: str,
        now: float,
    ) -> dict[str, Any]:
        """What Lambda sends to an on-failure destination: where the records are, not what."""
        first, last = self.records[0], self.records[-1]
        return {
            "requestContext": {
                "requestId": request_id,
                "functionArn": function,
                "condition": condition,
                "approximateInvokeCount": max(1, self.attempts),
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": _iso(now),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": _sequence(first),
                "endSequenceNumber": _sequence(last),
                "approximateArrivalOfFirstRecord": _iso(_arrival(first)),
                "approximateArrivalOfLastRecord": _iso(_arrival(last)),
                "batchSize": len(self.records),
                "streamArn": stream_arn,
            },
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows.

    Attributes:
        again: What is tried next, in order.
        given_up: What is not tried again.
        condition: Why, in Lambda's words.
        request_id: The invocation that failed.
        backoff: How often it failed so far; 0 without a wait.
    """

    again: tuple[Batch, ...] = field(default_factory=tuple)
    given_up: Batch | None = None
    condition: str = ""
    request_id: str = ""
    backoff: int = 0


def next_step(
    batch: Batch, invocation: Invocation, *, partial: bool, bisect: bool, retries: int
) -> Outcome:
    """What follows from an invocation.

    Args:
        batch: What the function was called with.
        invocation: What came of it.
        partial: Whether the result names the records that failed.
        bisect: Whether a failed batch is halved.
        retries: How often records are tried again; -1 without end.
    """
    failed_at = 0 if invocation.failed else _first_failure(batch, invocation, partial=partial)
    if failed_at is None:
        return Outcome()
    # What comes before the first failure is done; the records behind it are tried again with it.
    attempts = batch.attempts + 1 if failed_at == 0 else 1
    rest = Batch(batch.records[failed_at:], attempts)
    if bisect and failed_at == 0 and len(rest.records) > 1:
        # Halving does not count as an attempt.
        half = len(rest.records) // 2
        return Outcome(
            again=(
                Batch(rest.records[:half], batch.attempts),
                Batch(rest.records[half:], batch.attempts),
            ),
            request_id=invocation.request_id,
        )
    if retries >= 0 and attempts > retries:
        return Outcome(
            given_up=rest,
            condition="RetryAttemptsExhausted",
            request_id=invocation.request_id,
        )
    return Outcome(again=(rest,), request_id=invocation.request_id, backoff=attempts)


def _first_failure(batch: Batch, invocation: Invocation, *, partial: bool) -> int | None:
    if not partial:
        return None
    try:
        result = json.loads(invocation.payload)
        failures = (result or {}).get("batchItemFailures") or []
        named = {failure["itemIdentifier"] for failure in failures}
    except (AttributeError, KeyError, TypeError, ValueError):
        # Lambda takes an answer that it cannot read for a failure of the whole batch.
        return 0
    if not named:
        return None
    positions = [i for i, record in enumerate(batch.records) if _sequence(record) in named]
    return positions[0] if len(positions) == len(named) else 0


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _arrival(record: Mapping[str, Any]) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
