"""What an emulator holds outlives its process, however that ends."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.keeping import keeping
from infra.local.notes import BucketNotes, position_key
from tests.builders.kept_emulator import ITEMS, Box, in_order
from tests.builders.local_cloud import eventually
from tests.conftest import REGION
from topshelf.errors import ConflictError, IntegrityError, UnavailableError


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Box]:
    def started(pause: float = 5.0) -> Box:
        box = Box(tmp_path / "state", tmp_path / "logs", pause)
        request.addfinalizer(box.server.stop)
        return box

    return started


def test_everything_is_there_after_an_orderly_end(start: Callable[..., Box]) -> None:
    box = start()
    box.fill()
    before = box.client("s3").head_object(Bucket="lake", Key="a/b c+d%")
    arn = box.client("secretsmanager").describe_secret(SecretId="key")["ARN"]
    with pytest.raises(ConflictError, match="another local cloud keeps its state in"):
        start()
    assert box.server.death() is None
    box.server.stop()
    again = start()
    s3 = again.client("s3")
    found = s3.get_object(Bucket="lake", Key="a/b c+d%")
    assert found["Body"].read() == b"one" * 1000
    for name in ("ETag", "ContentType", "LastModified"):
        assert found[name] == before[name]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="lake")["Contents"]] == ["a/b c+d%"]
    assert again.items() == in_order(ITEMS)
    for stage, value in (("AWSCURRENT", "s3cret"), ("AWSPREVIOUS", "old")):
        secret = again.client("secretsmanager").get_secret_value(SecretId=arn, VersionStage=stage)
        assert secret["SecretString"] == value
    changes_are_kept_too(again, start)


def changes_are_kept_too(box: Box, start: Callable[..., Box]) -> None:
    dynamodb = box.client("dynamodb")
    key = {name: ITEMS[0][name] for name in ("user_id", "at")}
    dynamodb.update_item(
        TableName="activity",
        Key=key,
        UpdateExpression="SET scores = :s",
        ExpressionAttributeValues={":s": {"B": b"new"}},
    )
    dynamodb.delete_item(
        TableName="activity", Key={name: ITEMS[1][name] for name in ("user_id", "at")}
    )
    dynamodb.batch_write_item(
        RequestItems={
            "activity": [{"PutRequest": {"Item": {"user_id": {"S": "z"}, "at": {"N": "9"}}}}]
        }
    )
    box.client("s3").put_object(Bucket="lake", Key="a/b c+d%", Body=b"two")
    box.server.stop()
    again = start()
    changed = {**ITEMS[0], "scores": {"B": b"new"}}
    added = {"user_id": {"S": "z"}, "at": {"N": "9"}}
    assert again.items() == in_order([changed, ITEMS[2], added])
    body = again.client("s3").get_object(Bucket="lake", Key="a/b c+d%")["Body"].read()
    assert body == b"two"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["parent killed", "terminated"])
def test_a_sudden_end_keeps_everything_too(start: Callable[..., Box], how: str) -> None:
    box = start()
    box.fill()
    process = box.server._process
    assert process is not None
    if how == "terminated":
        os.kill(box.pid, signal.SIGTERM)
    else:
        # What the emulator sees when the process that holds it is killed.
        assert process.stdin is not None
        process.stdin.close()
    process.wait(30)
    assert start().items() == in_order(ITEMS)


def kept(box: Box) -> float:
    found = keeping(box.server.endpoint_url)
    return (found and found.kept_at) or 0.0


def kill(box: Box) -> None:
    process = box.server._process
    assert process is not None
    process.kill()
    process.wait(30)


def test_a_full_disk_is_told_and_what_was_kept_stands(start: Callable[..., Box]) -> None:
    box = start(pause=0.1)
    box.fill()
    now = time.time()
    eventually(lambda: kept(box) > now)
    part = box.folder / "blobs" / "part"
    part.symlink_to("/dev/full")
    box.client("s3").put_object(Bucket="lake", Key="late", Body=b"late")
    told = eventually(lambda: (f := keeping(box.server.endpoint_url)) and f.fault)
    assert told == "No space left on device"
    with pytest.raises(UnavailableError, match=r"No space left on device; what .* before stands"):
        box.server.stop()
    part.unlink()
    again = start(pause=0.1)
    assert again.items() == in_order(ITEMS)
    assert again.client("s3").list_objects_v2(Bucket="lake", Prefix="late")["KeyCount"] == 0
    # Room again: it is kept again, without being asked.
    part.symlink_to("/dev/full")
    again.client("s3").put_object(Bucket="lake", Key="late", Body=b"late")
    eventually(lambda: (f := keeping(again.server.endpoint_url)) and f.fault)
    part.unlink()
    eventually(lambda: (f := keeping(again.server.endpoint_url)) and not f.fault)
    again.server.stop()


def test_records_that_no_function_has_had_are_there_under_their_numbers(
    start: Callable[..., Box],
) -> None:
    box = start()
    box.fill()
    arn, records = read_stream(box, {})
    assert len(records) == len(ITEMS)
    first = records[0]["dynamodb"]["SequenceNumber"]
    notes = BucketNotes(box.client("s3"), "topshelf", REGION)
    note = {"stream": arn, "after": {"shard": first}}
    notes.write(position_key("activity", "refresh"), note)
    box.server.stop()
    box = start()
    assert BucketNotes(box.client("s3"), "topshelf", REGION).read("positions/activity/refresh")
    again, found = read_stream(box, {"after": first})
    assert again == arn
    wire = [record["dynamodb"] for record in found]
    assert [one["SequenceNumber"] for one in wire] == [
        record["dynamodb"]["SequenceNumber"] for record in records[1:]
    ]
    assert [one["NewImage"] for one in wire] == ITEMS[1:]
    # New ones come behind them.
    item = {"user_id": {"S": "z"}, "at": {"N": "9"}}
    box.client("dynamodb").put_item(TableName="activity", Item=item)
    _, found = read_stream(box, {"after": wire[-1]["SequenceNumber"]})
    assert [record["dynamodb"]["NewImage"] for record in found] == [item]


def read_stream(box: Box, position: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
    streams = box.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName="activity")["Streams"]
    arn = stream["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    where = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position["after"]}
        if position
        else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], **where)
    answer = streams.get_records(ShardIterator=iterator["ShardIterator"])
    return arn, answer["Records"]


def test_a_damaged_state_is_told_and_nothing_runs(start: Callable[..., Box]) -> None:
    box = start()
    box.fill()
    box.server.stop()
    for blob in (box.folder / "blobs").iterdir():
        blob.write_bytes(b"rubbish")
    with pytest.raises(UnavailableError, match="is damaged"):
        start()
    (box.folder / "state.json").write_text("{")
    with pytest.raises(IntegrityError, match="is damaged"):
        start()


def test_requests_go_on_while_a_state_is_kept_and_a_kill_loses_only_the_newest(
    start: Callable[..., Box],
) -> None:
    box = start(pause=0.01)
    box.fill()
    now = time.time()
    eventually(lambda: kept(box) > now)
    # Changed in place, after it was first kept.
    box.client("dynamodb").update_item(
        TableName="activity",
        Key={name: ITEMS[0][name] for name in ("user_id", "at")},
        UpdateExpression="SET scores = :s",
        ExpressionAttributeValues={":s": {"B": b"new"}},
    )
    faults: list[Exception] = []
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        dynamodb, s3 = box.client("dynamodb"), box.client("s3")
        number = 0
        try:
            while not stop.is_set():
                number += 1
                item = {"user_id": {"S": f"w{number}"}, "at": {"N": "1"}}
                s3.put_object(Bucket="lake", Key=f"w{number}", Body=b"w")
                dynamodb.put_item(TableName="activity", Item=item)
                written.append(number)
        except Exception as error:  # noqa: BLE001 - told below
            faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[float] = set()
    eventually(lambda: len(written) > 100 and (seen.add(kept(box)) or len(seen) > 3))
    kill(box)
    stop.set()
    writer.join()
    # The one that was on its way is all that may fail.
    assert len(faults) <= 1
    again = start()
    found = again.items()
    items = {item["user_id"]["S"] for item in found if item["user_id"]["S"][0] == "w"}
    others = [item for item in found if item["user_id"]["S"][0] != "w"]
    assert others == in_order([{**ITEMS[0], "scores": {"B": b"new"}}, *ITEMS[1:]])
    objects = {
        entry["Key"]
        for page in again.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lake")
        for entry in page["Contents"]
        if entry["Key"][0] == "w"
    }
    # All of it was true at one moment: the object came before the item, and the next after it.
    assert items <= objects
    assert len(objects - items) <= 1
