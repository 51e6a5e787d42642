"""The lake's keys, and a marker of an import that is damaged."""

from datetime import date
from io import BytesIO

import pytest

from tests.fakes.aws_client import ScriptedClient, refusal
from topshelf.aws.event_bucket import EventBucket
from topshelf.errors import IntegrityError, NotFoundError, UnavailableError

DAY, EVE = date(2026, 1, 2), date(2026, 1, 1)


def written(client: ScriptedClient) -> list[tuple[str, bytes, str]]:
    """Key, content and type of each object that was written."""
    puts = [arguments for operation, arguments in client.calls if operation == "put_object"]
    # With an encoding, readers would unpack it behind the name's back.
    assert all(set(put) == {"Bucket", "Key", "Body", "ContentType"} for put in puts)
    assert all(put["Bucket"] == "lake" for put in puts)
    return [(put["Key"], put["Body"], put["ContentType"]) for put in puts]


def test_an_imports_first_day_is_written_once() -> None:
    begun = ScriptedClient(refusal("NoSuchKey"), {})
    assert EventBucket(begun, "lake").first_day("abc", DAY) == DAY
    assert written(begun) == [("imports/abc", b"2026-01-02", "text/plain")]
    again = ScriptedClient({"Body": BytesIO(b"2026-01-01")})
    assert EventBucket(again, "lake").first_day("abc", DAY) == EVE
    assert again.calls == [("get_object", {"Bucket": "lake", "Key": "imports/abc"})]


@pytest.mark.parametrize("stored", [b"", b"soon", b"2026-02-30", b"2026-01-02\n", b"\xff", b"\0"])
def test_a_damaged_marker_is_named_and_left_alone(stored: bytes) -> None:
    client = ScriptedClient({"Body": BytesIO(stored)})
    with pytest.raises(IntegrityError, match=r"^imports/abc in the bucket lake is no day; remove"):
        EventBucket(client, "lake").first_day("abc", DAY)
    assert len(client.calls) == 1


def test_an_outage_is_not_taken_for_a_first_day() -> None:
    client = ScriptedClient(refusal("SlowDown"))
    with pytest.raises(UnavailableError, match="imports/abc in the bucket lake: SlowDown"):
        EventBucket(client, "lake").first_day("abc", DAY)
    assert len(client.calls) == 1


def test_each_kind_of_object_has_its_prefix() -> None:
    client = ScriptedClient({}, {}, {})
    lake = EventBucket(client, "lake")
    lake.put_events(DAY, "a.jsonl.gz", b"1")
    lake.put_quarantine(DAY, "b.jsonl.gz", b"2")
    lake.put_catalogue(b"3")
    assert written(client) == [
        ("events/dt=2026-01-02/a.jsonl.gz", b"1", "application/gzip"),
        ("quarantine/dt=2026-01-02/b.jsonl.gz", b"2", "application/gzip"),
        ("catalog/items.jsonl.gz", b"3", "application/gzip"),
    ]


def test_a_bucket_that_is_missing_is_named_with_the_key() -> None:
    client = ScriptedClient(refusal("NoSuchBucket"))
    with pytest.raises(
        NotFoundError, match=r"^catalog/items\.jsonl\.gz in the bucket lake: NoSuch"
    ):
        EventBucket(client, "lake").put_catalogue(b"")
