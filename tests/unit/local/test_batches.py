import json
from typing import Any

import pytest

from infra.local.batches import Batch, Outcome, next_step
from infra.local.functions import Invocation


def batch(*numbers: int, attempts: int = 0) -> Batch:
    return Batch(
        tuple(
            {"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": n}}
            for n in numbers
        ),
        attempts,
    )


def numbers(given: Batch | None) -> list[int]:
    return [int(r["dynamodb"]["SequenceNumber"]) for r in given.records] if given else []


def step(given: Batch, result: Any = None, *, failed: bool = False, **changes: Any) -> Outcome:
    invocation = Invocation(json.dumps(result).encode(), failed=failed, request_id="r")
    return next_step(
        given, invocation, **{"partial": True, "bisect": False, "retries": 2, **changes}
    )


def failures(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(n)} for n in numbers]}


@pytest.mark.parametrize("result", [None, {}, {"batchItemFailures": []}, failures()])
def test_success_leaves_nothing(result: Any) -> None:
    assert step(batch(1, 2), result) == Outcome()


def test_what_follows_the_first_failure_is_tried_again() -> None:
    outcome = step(batch(1, 2, 3, 4), failures(4, 3))
    assert [numbers(b) for b in outcome.again] == [[3, 4]]
    assert outcome.again[0].attempts == 1


def test_progress_begins_the_count_anew() -> None:
    outcome = step(batch(1, 2, attempts=2), failures(2))
    assert [b.attempts for b in outcome.again] == [1]
    assert outcome.given_up is None


@pytest.mark.parametrize("result", [failures(9), {"batchItemFailures": [{}]}, ["odd"]])
def test_an_answer_that_cannot_be_read_fails_the_batch(result: Any) -> None:
    assert [numbers(b) for b in step(batch(1, 2), result).again] == [[1, 2]]


def test_retries_end() -> None:
    outcome = step(batch(1, 2, attempts=2), failed=True)
    assert numbers(outcome.given_up) == [1, 2]
    assert (outcome.condition, outcome.request_id) == ("RetryAttemptsExhausted", "r")
    assert not step(batch(1, attempts=99), failed=True, retries=-1).given_up


def test_halving_costs_no_attempt() -> None:
    outcome = step(batch(1, 2, 3, attempts=2), failed=True, bisect=True)
    assert [(numbers(b), b.attempts) for b in outcome.again] == [([1], 2), ([2, 3], 2)]
    assert numbers(step(batch(1, attempts=2), failed=True, bisect=True).given_up) == [1]


def test_without_partial_failures_the_answer_does_not_matter() -> None:
    assert step(batch(1), failures(1), partial=False) == Outcome()


def test_old_records_are_split_off() -> None:
    young, old = batch(10, 95).split_by_age(100, 60)
    assert (numbers(young), numbers(old)) == ([95], [10])
    assert batch(10).split_by_age(100, -1) == (batch(10), None)


def test_the_failure_message_names_records_without_their_content() -> None:
    message = batch(1, 2, attempts=3).failure_message(
        shard="s", stream_arn="a", function="f", condition="c", request_id="r", now=0
    )
    assert message["DDBStreamBatchInfo"] == {
        "shardId": "s",
        "startSequenceNumber": "1",
        "endSequenceNumber": "2",
        "approximateArrivalOfFirstRecord": "1970-01-01T00:00:01.000Z",
        "approximateArrivalOfLastRecord": "1970-01-01T00:00:02.000Z",
        "batchSize": 2,
        "streamArn": "a",
    }
    assert message["requestContext"]["approximateInvokeCount"] == 3
