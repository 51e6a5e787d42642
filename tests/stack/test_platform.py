"""The deployed template at work: events in, training, release, recommendations out."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders.local_cloud import eventually
from tests.stack.conftest import NEWCOMER, Trained, activity_image
from tests.stack.stacks import Deployed

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_events_of_the_api_are_in_the_lake_and_in_the_activity_table(trained: Trained) -> None:
    stack = trained.deployed.stack
    assert {event.item_id for event in stack.activity().newest(NEWCOMER)} == set(trained.watched)
    viewers = json.loads(stack.models().read(trained.version, "user_ids.json"))
    assert NEWCOMER in viewers


def test_the_state_machine_makes_a_trained_version_live(released: Trained) -> None:
    live = released.deployed.stack.registry().champion()
    assert live is not None
    assert live.version == released.version


def test_recommendations_of_the_released_version_come_out(released: Trained) -> None:
    # Its events came by HTTP alone: an own list proves the whole way.
    status, said = released.api.recommendations(NEWCOMER, signed=True)
    assert (status, said["tier"], said["model_version"]) == (200, "own", released.version)
    items = [item["item_id"] for item in said["item_list"]]
    assert len(set(items)) == 20
    assert not set(items) & set(released.watched)
    status, origin = released.api.call(
        "GET", f"/v1/provenance/{said['recommendation_id']}", signed=True
    )
    assert (status, origin["model_version"]) == (200, released.version)


def test_new_activity_refreshes_the_list(released: Trained) -> None:
    assert _row(released, NEWCOMER)["source"]["S"] == "batch"
    _, said = released.api.recommendations(NEWCOMER, signed=True)
    best = said["item_list"][0]["item_id"]
    event = {"user_id": NEWCOMER, "item_id": best, "event_type": "watch", "event_value": 1.0}
    event |= {"timestamp": int(time.time() * 1000)}
    status, _ = released.api.call("POST", "/v1/events", {"events": [event]}, signed=True)
    assert status == 202
    eventually(lambda: _row(released, NEWCOMER)["source"]["S"] == "refresh", 30)
    assert best not in _row(released, NEWCOMER)["items"]["S"].split()


def test_the_function_names_a_record_that_it_cannot_read(released: Trained) -> None:
    image = activity_image({"S": "no event"})
    record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7", "NewImage": image}}
    # MiniStack's streams take this answer for success: what it does with it, no test here can say.
    answer = released.deployed.ministack.client("lambda").invoke(
        FunctionName=released.deployed.resources["RefreshTopk"],
        Payload=json.dumps({"Records": [record]}).encode(),
    )
    assert "FunctionError" not in answer
    failures = json.loads(answer["Payload"].read())["batchItemFailures"]
    assert failures == [{"itemIdentifier": "7"}]


def test_a_poisoned_record_lands_in_the_queue_of_failures(released: Trained) -> None:
    deployed = released.deployed
    # MiniStack counts no attempts, and gives a batch up by age alone; AWS takes no less than 60.
    _give_up_after(deployed, 1)
    # An event of a type that nothing writes: the function raises.
    poison = activity_image({"N": "1"})
    table = deployed.stack.outputs["ActivityTableName"]
    deployed.ministack.client("dynamodb").put_item(TableName=table, Item=poison)
    sqs, queue = deployed.ministack.client("sqs"), deployed.resources["RefreshFailures"]

    def message() -> Mapping[str, Any] | None:
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
        return next(iter(answer.get("Messages", [])), None)

    try:
        told = json.loads(eventually(message, 30)["Body"])
    finally:
        _give_up_after(deployed, 3600)
    stream = deployed.ministack.client("dynamodb").describe_table(TableName=table)
    assert told["DDBStreamBatchInfo"]["streamArn"] == stream["Table"]["LatestStreamArn"]
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1


def _give_up_after(deployed: Deployed, seconds: int) -> None:
    deployed.ministack.client("lambda").update_event_source_mapping(
        UUID=deployed.resources["RefreshTopkActivity"], MaximumRecordAgeInSeconds=seconds
    )


def _row(released: Trained, user_id: str) -> dict[str, Any]:
    table = f"{released.deployed.stack.outputs['TopKPrefix']}-{released.version}"
    dynamodb = released.deployed.ministack.client("dynamodb")
    found: dict[str, Any] = dynamodb.get_item(TableName=table, Key={"user_id": {"S": user_id}})
    return found["Item"]
