import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local import log_pattern
from infra.local.delivery import Delivery, messages
from infra.local.delivery_stream import Stream, expand, stream_of
from infra.local.faults import Faults
from infra.local.notes import Notes
from tests.fakes.notes import FakeNotes
from topshelf.errors import TopshelfError

NOW = datetime(2024, 3, 12, 23, 59, 58, tzinfo=UTC)
RAW = "events/dt=!{timestamp:yyyy-MM-dd}/2024/03/12/23/s-1-2024-03-12-23-59-50-"
IDS = [f"{n}0000000-0000-4000-8000-000000000000" for n in range(4)]


@dataclass
class Bucket:
    """An S3 client with one versioned bucket."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    fail_deletes: bool = False

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [
            {
                "Versions": [
                    {"Key": key, "VersionId": version, "LastModified": NOW}
                    for key, version in self.objects
                    if key.startswith(Prefix)
                ]
            }
        ]

    def get_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key, VersionId])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key, "new"] = Body

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:  # noqa: N803
        if self.fail_deletes:
            raise OSError("gone")
        for entry in Delete["Objects"]:
            del self.objects[entry["Key"], entry["VersionId"]]


def stream(**changes: Any) -> Stream:
    given: dict[str, Any] = {
        "name": "s",
        "bucket": "b",
        "prefix": "events/dt=!{timestamp:yyyy-MM-dd}/",
        "error_prefix": "errors/!{firehose:error-output-type}/",
        "extension": ".jsonl.gz",
        "compress": True,
        "decompress": False,
        "extract": False,
    }
    return Stream(**{**given, **changes})


def delivery(
    bucket: Bucket,
    one: Stream,
    *,
    notes: Notes | None = None,
    now: datetime = NOW,
    **filters: str,
) -> Delivery:
    tests = {name: log_pattern.parse(pattern) for name, pattern in filters.items()}
    return Delivery(
        bucket, [one], tests, notes=notes or FakeNotes(), faults=Faults(), clock=now.timestamp
    )


def payload(*lines: str, subscription: str = "sub", kind: str = "DATA_MESSAGE") -> bytes:
    return json.dumps(
        {
            "messageType": kind,
            "subscriptionFilters": [subscription],
            "logEvents": [{"id": "1", "timestamp": 1, "message": line} for line in lines],
        }
    ).encode()


def test_raw_objects_become_one_gzipped_object_under_the_expanded_prefix() -> None:
    bucket = Bucket({(RAW + IDS[0], "v0"): b"one\n", (RAW + IDS[1], "v1"): b"two\n"})
    bucket.objects["events/dt=2024-03-11/other.jsonl.gz", "v"] = b"kept"
    delivery(bucket, stream()).flush()
    (key, content), *_ = [(k, c) for (k, v), c in bucket.objects.items() if v == "new"]
    assert key.startswith("events/dt=2024-03-12/s-1-2024-03-12-23-59-58-")
    assert key.endswith(".jsonl.gz")
    assert gzip.decompress(content) == b"one\ntwo\n"
    assert len(bucket.objects) == 2
    # The header's time is zero, so that the same records give the same bytes.
    assert content[4:8] == b"\0\0\0\0"


def test_a_second_run_finds_nothing_and_a_failed_delete_repeats_nothing() -> None:
    bucket = Bucket({(RAW + IDS[0], "v0"): b"one\n"}, fail_deletes=True)
    runner = delivery(bucket, stream())
    with pytest.raises(OSError, match="gone"):
        runner.flush()
    bucket.objects[RAW + IDS[1], "v1"] = b"two\n"
    bucket.fail_deletes = False
    runner.flush()
    runner.flush()
    written = b"".join(gzip.decompress(content) for content in bucket.objects.values())
    assert sorted(written.splitlines()) == [b"one", b"two"]


def test_who_starts_again_after_an_end_between_writing_and_deleting_repeats_nothing() -> None:
    notes = FakeNotes()
    bucket = Bucket({(RAW + IDS[0], "v0"): b"one\n"}, fail_deletes=True)
    with pytest.raises(OSError, match="gone"):
        delivery(bucket, stream(), notes=notes).flush()
    bucket.fail_deletes = False
    # Brought back, an object has another version, and more have come; the day is another.
    bucket.objects[RAW + IDS[0], "null"] = bucket.objects.pop((RAW + IDS[0], "v0"))
    bucket.objects[RAW + IDS[1], "v1"] = b"two\n"
    delivery(bucket, stream(), notes=notes, now=NOW + timedelta(days=1)).flush()
    assert sorted(gzip.decompress(content) for content in bucket.objects.values()) == [
        b"one\n",
        b"two\n",
    ]
    days = [key.split("/")[1] for key, _ in bucket.objects]
    assert sorted(days) == ["dt=2024-03-12", "dt=2024-03-13"]


def test_what_ended_between_deciding_and_writing_is_done_after_all() -> None:
    notes = FakeNotes()
    bucket = Bucket({(RAW + IDS[0], "v0"): b"one\n"})
    delivery(bucket, stream(), notes=notes).flush()
    (written,) = bucket.objects
    bucket.objects = {(RAW + IDS[0], "v0"): b"one\n"}
    delivery(bucket, stream(), notes=notes).flush()
    assert list(bucket.objects) == [written]


def test_a_prefix_without_expressions_is_not_mended_twice() -> None:
    plain = stream(prefix="events/", extension="", compress=False)
    bucket = Bucket({(f"events/2024/03/12/23/s-1-{IDS[0]}", "v"): b"x"})
    runner = delivery(bucket, plain)
    runner.flush()
    first = dict(bucket.objects)
    runner.flush()
    assert bucket.objects == first
    ((key, _),) = first
    assert key.startswith("events/2024/03/12/23/s-1-")


def test_log_payloads_become_lines_that_match() -> None:
    logs = stream(decompress=True, extract=True)
    good = gzip.compress(payload('{"id":"a"}', "noise", '{"id":"b"}\n'))
    bucket = Bucket({(RAW + IDS[0], "v"): good + gzip.compress(payload(kind="CONTROL_MESSAGE"))})
    delivery(bucket, logs, sub='{ $.id = "*" }').flush()
    (content,) = bucket.objects.values()
    assert gzip.decompress(content) == b'{"id":"a"}\n{"id":"b"}\n'


def test_records_that_cannot_be_processed_go_to_the_error_prefix() -> None:
    logs = stream(decompress=True, extract=True)
    bucket = Bucket({(RAW + IDS[0], "v"): b"plain"})
    delivery(bucket, logs).flush()
    (((key, _), content),) = bucket.objects.items()
    assert key.startswith("errors/processing-failed/s-1-")
    assert json.loads(content)["rawData"] == "cGxhaW4="


def test_messages_of_other_subscriptions_are_kept_whole() -> None:
    assert list(messages(payload("a", "b") + payload("c"), {})) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="not a CloudWatch Logs payload"):
        list(messages(b"{}", {}))


def test_prefixes_expand() -> None:
    assert expand("e/dt=!{timestamp:yyyy-MM-dd}/h=!{timestamp:HH}/", NOW) == "e/dt=2024-03-12/h=23/"
    assert expand("e/", NOW) == "e/2024/03/12/23/"
    for bad in ("!{timestamp:EEE}", "!{partitionKeyFromQuery:x}"):
        with pytest.raises(TopshelfError, match="prefix"):
            expand(bad, NOW)


@pytest.mark.parametrize(
    "target",
    [
        None,
        {"BucketARN": "arn:aws:s3:::b", "CompressionFormat": "Snappy"},
        {
            "BucketARN": "arn:aws:s3:::b",
            "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda"}]},
        },
    ],
)
def test_streams_that_are_not_played_are_refused(target: dict[str, Any] | None) -> None:
    with pytest.raises(TopshelfError, match="delivery stream s"):
        stream_of("s", {"ExtendedS3DestinationConfiguration": target} if target else {})
