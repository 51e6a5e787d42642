"""What every InteractionLog does: the fake and Firehose's."""

from typing import Any
from uuid import uuid4

import pytest

from tests.builders.interactions import interaction
from tests.fakes.event_ports import FakeLog
from topshelf.aws.event_stream import EventStream
from topshelf.errors import TopshelfError
from topshelf.events import Interaction, parse_stored
from topshelf.ports import InteractionLog


class FirehoseInto:
    """A delivery stream, and a way to read what it delivered."""

    def __init__(self, client: Any) -> None:
        self._s3 = client("s3")
        self._bucket = f"lake-{uuid4().hex[:8]}"
        self._s3.create_bucket(Bucket=self._bucket)
        firehose = client("firehose")
        name = f"events-{uuid4().hex[:8]}"
        firehose.create_delivery_stream(
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration={
                "BucketARN": f"arn:aws:s3:::{self._bucket}",
                "RoleARN": "arn:aws:iam::123456789012:role/delivery",
                "Prefix": "events/",
            },
        )
        self.log = EventStream(firehose, stream=name)

    def requests(self) -> list[list[Interaction]]:
        found = self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])
        bodies = [
            self._s3.get_object(Bucket=self._bucket, Key=item["Key"])["Body"].read()
            for item in sorted(found, key=lambda item: item["LastModified"])
        ]
        return [[parse_stored(line) for line in body.splitlines()] for body in bodies]


@pytest.fixture(params=["fake", "firehose"])
def log_and_reader(request: pytest.FixtureRequest) -> tuple[InteractionLog, Any]:
    if request.param == "fake":
        fake = FakeLog()
        return fake, lambda: fake.requests
    real = FirehoseInto(request.getfixturevalue("client"))
    return real.log, real.requests


def test_the_events_of_a_request_stay_together_and_in_order(
    log_and_reader: tuple[InteractionLog, Any],
) -> None:
    log, read = log_and_reader
    events = [interaction(item_id=f"m/{i}%", event_value=i / 4) for i in range(3)]
    log.append(events)
    assert read() == [events]


def test_a_missing_stream_is_told(client: Any) -> None:
    log = EventStream(client("firehose"), stream="no-such-stream")
    with pytest.raises(TopshelfError, match="event delivery stream"):
        log.append([interaction()])
