"""Where a source may lie: compressed, on standard input, in S3."""

import gzip
import json
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import RefusedRow, Source, open_source
from tests.builders.interactions import interaction
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError, NotFoundError, UnavailableError
from topshelf.events import DEFAULT_POLICY, Interaction, encode_line

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP\n"
LINE = encode_line(interaction())


def rows(source: Source) -> list[Interaction | RefusedRow]:
    return list(source.rows(DEFAULT_POLICY))


def from_stdin(content: bytes) -> Source:
    return open_source("-", stdin=BytesIO(content))


class FakeS3:
    """As much of a client as reading takes."""

    def __init__(self, objects: dict[str, bytes], failure: Exception | None = None) -> None:
        self._objects = objects
        self._failure = failure

    def get_paginator(self, _operation: str) -> "FakeS3":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        if Bucket != "lake":
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "ListObjectsV2")
        keys = [key for key in self._objects if key.startswith(Prefix)]
        listed = [{"Key": key, "Size": len(self._objects[key])} for key in reversed(keys)]
        return [{"Contents": [found]} for found in listed] or [{}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        body = BytesIO(self._objects[Key])
        if self._failure is not None:
            body.read = self._fail  # type: ignore[method-assign, assignment]
        return {"Body": body}

    def _fail(self, _size: int) -> bytes:
        assert self._failure is not None
        raise self._failure


@pytest.mark.parametrize("name", ["e.jsonl.gz", "e.jsonl", "events", "events.log"])
def test_gzip_and_format_are_known_by_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINE + b"broken\n"))
    good, bad = rows(open_source(path))
    assert good == interaction()
    assert isinstance(bad, RefusedRow)
    path.write_bytes(gzip.compress(HEADER + b"u,m,1700000000\n"))
    assert rows(open_source(path)) == [
        interaction("u", "m", event_type="view", timestamp=1_700_000_000_000)
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_standard_input_loses_nothing(pack: Any) -> None:
    events = [interaction(event_id=f"e{n}") for n in range(3000)]
    source = from_stdin(pack(b"".join(map(encode_line, events))))
    assert source.description == "JSON lines: standard input"
    assert list(source.movies()) == []
    assert rows(source) == events
    with pytest.raises(InvalidInputError, match="only once"):
        rows(source)


def test_csv_and_ratings_on_standard_input() -> None:
    assert rows(from_stdin(HEADER + b"u,m,1700000000\n")) == [
        interaction("u", "m", event_type="view", timestamp=1_700_000_000_000)
    ]
    (rating,) = rows(from_stdin(b"1::1193::5::978300760\n"))
    assert isinstance(rating, Interaction)
    assert rating.event_value == 5.0


def test_a_broken_first_line_does_not_hide_the_format() -> None:
    bad, good = rows(from_stdin(b"broken\n" + LINE))
    assert good == interaction()
    assert isinstance(bad, RefusedRow)
    assert (bad.line, bad.source) == (1, "standard input")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is of no known format"),
        (b"hello\n", "is of no known format"),
        (b'{"item_id":"m","title":"T"}\n', "is a catalogue"),
        (b"PAR1....PAR1", "Parquet is not read from standard input"),
    ],
)
def test_what_standard_input_cannot_give_is_told(content: bytes, text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        from_stdin(content)


@given(st.binary(max_size=60), st.sampled_from([b"", HEADER, LINE, b"1::2::3::4\n", b"ITEM_ID\n"]))
def test_any_bytes_are_rows_or_are_told(tail: bytes, head: bytes) -> None:
    with suppress(InvalidInputError):
        for row in rows(from_stdin(head + tail)):
            assert isinstance(row, Interaction | RefusedRow)


def test_objects_below_a_prefix_are_read_by_key() -> None:
    s3 = FakeS3(
        {
            "in/": b"",
            "in/b.csv": HEADER + b"u,m2,1700000000\n",
            "in/a.csv.gz": gzip.compress(HEADER + b"u,m1,1700000000\nu\n"),
            "in/items.csv.zst": zstd.compress(b"ITEM_ID,TITLE\nm1,One\n"),
            "in/deep/items.csv": b"ITEM_ID,TITLE\nm2,Two\n",
            "other/c.csv": HEADER,
        }
    )
    source = open_source("s3://lake/in/", s3=s3)
    assert source.description == (
        "CSV with Personalize's columns: a.csv.gz, b.csv, items.csv, items.csv.zst"
    )
    first, bad, second = rows(source)
    assert isinstance(first, Interaction)
    assert isinstance(second, Interaction)
    assert (first.item_id, second.item_id) == ("m1", "m2")
    assert isinstance(bad, RefusedRow)
    assert (bad.source, bad.line) == ("a.csv.gz", 3)
    one = open_source("s3://lake/in/b.csv", s3=s3)
    assert len(rows(one)) == 1
    assert list(one.movies()) == [Movie(item_id="m1", title="One")]


def test_parquet_in_s3(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    path = tmp_path / "x.parquet"
    polars.DataFrame(
        {"USER_ID": ["u"], "ITEM_ID": ["m"], "TIMESTAMP": [1_700_000_000]}
    ).write_parquet(path)
    source = open_source("s3://lake/x", s3=FakeS3({"x": path.read_bytes()}))
    assert rows(source) == [interaction("u", "m", event_type="view", timestamp=1_700_000_000_000)]


def test_failures_of_s3_are_told() -> None:
    with pytest.raises(InvalidInputError, match="S3 is not read here"):
        open_source("s3://lake/x")
    with pytest.raises(InvalidInputError, match="names no bucket"):
        open_source("s3://", s3=FakeS3({}))
    with pytest.raises(InvalidInputError, match="s3://lake/x holds no events"):
        open_source("s3://lake/x", s3=FakeS3({}))
    with pytest.raises(NotFoundError, match="NoSuchBucket"):
        open_source("s3://other/x", s3=FakeS3({}))
    broken = FakeS3({"x.jsonl": LINE}, ReadTimeoutError(endpoint_url="http://s3"))
    with pytest.raises(UnavailableError, match=r"s3://lake/x\.jsonl does not answer"):
        open_source("s3://lake/x", s3=broken)


def test_the_quarantine_names_the_columns() -> None:
    *_, bad = rows(from_stdin(HEADER + b"u,m\n"))
    assert isinstance(bad, RefusedRow)
    assert json.loads(bad.encode()) == {
        "reason": "the row has 2 fields, not 3",
        "field": "body",
        "source": "standard input",
        "line": 2,
        "raw": "u,m",
        "columns": "USER_ID,ITEM_ID,TIMESTAMP",
    }
