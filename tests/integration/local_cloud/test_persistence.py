"""What an emulator holds outlives its process, however that ends."""

import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.emulator import MotoServer
from infra.local.listening import free_port
from tests.conftest import REGION
from topshelf.aws.clients import create_client
from topshelf.errors import IntegrityError, UnavailableError

ITEMS: list[dict[str, Any]] = [
    {"user_id": {"S": 'u"1\\'}, "at": {"N": "1"}, "scores": {"B": b"\x00\xff"}},
    {"user_id": {"S": 'u"1\\'}, "at": {"N": "2"}, "items": {"SS": ["a b", "é"]}},
    {
        "user_id": {"S": " popular"},
        "at": {"N": "1.5"},
        "of": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}]}}},
    },
]


class Box:
    """An emulator that keeps its state in a folder."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self.folder = folder
        self.server = MotoServer(free_port(), logs / "emulator.log", folder)
        self.server.start()

    def client(self, service: str) -> Any:
        return create_client(service, REGION, self.server.endpoint_url, attempts=1)

    @property
    def pid(self) -> int:
        process = self.server._process
        assert process is not None
        return process.pid

    def fill(self) -> None:
        s3, dynamodb = self.client("s3"), self.client("dynamodb")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="a/b c+d%", Body=b"one" * 1000, ContentType="text/plain")
        s3.put_object(Bucket="lake", Key="gone", Body=b"x")
        s3.delete_object(Bucket="lake", Key="gone")
        self.client("secretsmanager").create_secret(Name="key", SecretString="old")
        self.client("secretsmanager").put_secret_value(SecretId="key", SecretString="s3cret")
        dynamodb.create_table(
            TableName="activity",
            KeySchema=[
                {"AttributeName": "user_id", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user_id", "AttributeType": "S"},
                {"AttributeName": "at", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        for item in ITEMS:
            dynamodb.put_item(TableName="activity", Item=item)

    def items(self) -> list[dict[str, Any]]:
        found = self.client("dynamodb").scan(TableName="activity")["Items"]
        return sorted(found, key=lambda item: (item["user_id"]["S"], item["at"]["N"]))


def in_order(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: (item["user_id"]["S"], item["at"]["N"]))


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Box]:
    def started() -> Box:
        box = Box(tmp_path / "state", tmp_path / "logs")
        request.addfinalizer(box.server.stop)
        return box

    return started


def test_everything_is_there_after_an_orderly_end(start: Callable[[], Box]) -> None:
    box = start()
    box.fill()
    before = box.client("s3").head_object(Bucket="lake", Key="a/b c+d%")
    box.server.stop()
    again = start()
    s3 = again.client("s3")
    found = s3.get_object(Bucket="lake", Key="a/b c+d%")
    assert found["Body"].read() == b"one" * 1000
    for name in ("ETag", "ContentType", "LastModified"):
        assert found[name] == before[name]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="lake")["Contents"]] == ["a/b c+d%"]
    assert again.items() == in_order(ITEMS)
    secret = again.client("secretsmanager").get_secret_value(SecretId="key")
    assert secret["SecretString"] == "s3cret"


def test_what_is_brought_back_can_change_and_is_kept_again(start: Callable[[], Box]) -> None:
    box = start()
    box.fill()
    box.server.stop()
    box = start()
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


@pytest.mark.parametrize(
    "how", ["parent killed", pytest.param("terminated", marks=pytest.mark.slow)]
)
def test_a_sudden_end_keeps_everything_too(start: Callable[[], Box], how: str) -> None:
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


@pytest.mark.slow
def test_a_killed_emulator_loses_seconds_at_most(start: Callable[[], Box]) -> None:
    box = start()
    box.fill()
    state = box.folder / "state.json"
    end = time.monotonic() + 60
    # Kept once there is a state that holds the table's last item.
    while not (state.exists() and _kept_items(box.folder) == len(ITEMS)):
        assert time.monotonic() < end, "nothing was kept"
        time.sleep(0.1)
    process = box.server._process
    assert process is not None
    process.kill()
    process.wait(30)
    assert start().items() == in_order(ITEMS)


def _kept_items(folder: Path) -> int:
    tables = json.loads((folder / "state.json").read_text())["tables"]
    if "activity" not in tables:
        return 0
    blob = folder / "blobs" / tables["activity"]["blob"]
    return len(gzip.decompress(blob.read_bytes()).splitlines()) if blob.exists() else 0


def test_a_damaged_state_is_told_and_nothing_runs(start: Callable[[], Box]) -> None:
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


@pytest.mark.slow
def test_reading_goes_on_while_a_state_is_kept(start: Callable[[], Box]) -> None:
    box = start()
    box.fill()
    faults: list[Exception] = []
    stop = threading.Event()

    def write() -> None:
        dynamodb = box.client("dynamodb")
        number = 0
        try:
            while not stop.is_set():
                number += 1
                item = {"user_id": {"S": f"w{number}"}, "at": {"N": "1"}}
                dynamodb.put_item(TableName="activity", Item=item)
        except Exception as error:  # noqa: BLE001 - told below
            faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    end = time.monotonic() + 60
    while not (box.folder / "state.json").exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    stop.set()
    writer.join()
    assert not faults
    count = len(box.items())
    box.server.stop()
    assert len(start().items()) == count
