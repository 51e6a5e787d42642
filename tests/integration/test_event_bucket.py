"""The lake in S3, and a whole import into the emulator."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.importers import import_events, open_source
from tests.builders.interactions import NOON, interaction
from topshelf.aws.activity_table import ActivityTable
from topshelf.aws.event_bucket import EventBucket
from topshelf.catalog import Movie
from topshelf.errors import IntegrityError, NotFoundError
from topshelf.events import DEFAULT_POLICY, encode_line

DAY = date(2026, 1, 2)


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"lake-{uuid4().hex[:8]}"
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def activity(client: Any) -> ActivityTable:
    name, dynamodb = f"activity-{uuid4().hex[:8]}", client("dynamodb")
    keys = {"user_id": "HASH", "event_key": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    return ActivityTable(dynamodb, table=name, ttl_days=90)


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}


def test_objects_lie_under_their_day(client: Any, bucket: str) -> None:
    lake = EventBucket(client("s3"), bucket)
    lake.put_events(DAY, "a.jsonl.gz", b"1")
    lake.put_quarantine(DAY, "b.jsonl.gz", b"2")
    lake.put_catalogue(b"3")
    lake.put_catalogue(b"4")
    assert objects(client("s3"), bucket) == {
        "events/dt=2026-01-02/a.jsonl.gz": b"1",
        "quarantine/dt=2026-01-02/b.jsonl.gz": b"2",
        "catalog/items.jsonl.gz": b"4",
    }


def test_the_first_day_of_an_import_stays(client: Any, bucket: str) -> None:
    lake = EventBucket(client("s3"), bucket)
    assert lake.first_day("abc", DAY) == DAY
    assert lake.first_day("abc", date(2026, 1, 3)) == DAY
    assert lake.first_day("abd", date(2026, 1, 3)) == date(2026, 1, 3)
    client("s3").put_object(Bucket=bucket, Key="imports/abc", Body=b"soon")
    with pytest.raises(IntegrityError, match="is no day"):
        lake.first_day("abc", DAY)
    with pytest.raises(NotFoundError, match="in the bucket no-such-bucket"):
        EventBucket(client("s3"), "no-such-bucket").first_day("abc", DAY)


def test_a_missing_bucket_is_told(client: Any) -> None:
    lake = EventBucket(client("s3"), "no-such-bucket")
    with pytest.raises(NotFoundError, match="in the bucket no-such-bucket"):
        lake.put_events(DAY, "a.jsonl.gz", b"")


def test_a_whole_import(client: Any, bucket: str, activity: ActivityTable, tmp_path: Path) -> None:
    events = [
        interaction(f"u{n % 7}", f"m/{n}%+", event_id=f"e{n}", timestamp=NOON + n)
        for n in range(60)
    ]
    lines = [*map(encode_line, events), b"broken\n", encode_line(events[0])]
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "items.jsonl").write_bytes(b'{"item_id":"m1","title":"One"}\n')
    lake = EventBucket(client("s3"), bucket)

    def run() -> tuple[int, int, int, int]:
        summary = import_events(
            open_source(tmp_path),
            lake=lake,
            activity=activity,
            clock=lambda: datetime(2026, 1, 2, tzinfo=UTC),
        )
        return summary.read, summary.accepted, summary.duplicates, summary.quarantined

    assert run() == (62, 60, 1, 1)
    first = objects(client("s3"), bucket)
    assert run() == (62, 60, 1, 1)
    assert objects(client("s3"), bucket) == first
    assert sorted(key.split("/")[0] for key in first) == [
        "catalog",
        "events",
        "imports",
        "quarantine",
    ]
    stored = next(body for key, body in first.items() if key.startswith("events/"))
    assert gzip.decompress(stored) == b"".join(map(encode_line, events))
    refused = next(body for key, body in first.items() if key.startswith("quarantine/"))
    assert json.loads(gzip.decompress(refused))["raw"] == "broken"
    own = [event for event in reversed(events) if event.user_id == "u3"]
    assert activity.newest("u3") == own


def test_a_source_in_s3(client: Any, bucket: str) -> None:
    s3 = client("s3")
    header = b"USER_ID,ITEM_ID,TIMESTAMP\n"
    many = b"".join(b"u%d,m,1700000000\n" % n for n in range(40_000))
    for key, content in {
        "in/b.csv.gz": gzip.compress(header + many),
        "in/a.csv": header + b"u,m,1700000000\nbad\n",
        "in/items.csv": b"ITEM_ID,TITLE\nm,One\n",
        "in/empty": b"",
    }.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    source = open_source(f"s3://{bucket}/in/", s3=s3)
    assert source.description == "CSV with Personalize's columns: a.csv, b.csv.gz, items.csv"
    assert len(list(source.rows(DEFAULT_POLICY))) == 40_002
    assert list(source.movies()) == [Movie(item_id="m", title="One")]
    with pytest.raises(NotFoundError, match="NoSuchBucket"):
        open_source("s3://no-such-bucket/in/", s3=s3)
