"""An emulator that keeps what it holds, and things of every kind for it to hold."""

from pathlib import Path
from typing import Any

from infra.local.emulator import MotoServer
from infra.local.listening import free_port
from tests.conftest import REGION
from topshelf.aws.clients import create_client

ITEMS: list[dict[str, Any]] = [
    {"user_id": {"S": 'u"1\\'}, "at": {"N": "1"}, "scores": {"B": b"\x00\xff"}},
    {"user_id": {"S": 'u"1\\'}, "at": {"N": "2"}, "items": {"SS": ["a b", "é"]}},
    {
        "user_id": {"S": " popular"},
        "at": {"N": "1.5"},
        "of": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}, {"B": b"\xfe"}]}}},
        "sets": {"M": {"n": {"NS": ["1", "2.5"]}, "b": {"BS": [b"\x00", b"\xff"]}}},
    },
]


class Box:
    """An emulator that keeps its state in a folder."""

    def __init__(self, folder: Path, logs: Path, pause: float = 5.0) -> None:
        self.folder = folder
        self.server = MotoServer(free_port(), logs / "emulator.log", folder, pause=pause)
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
