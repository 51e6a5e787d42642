"""What every TopKCache, TopKStore and TopKImport does: the fakes and DynamoDB's."""

import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from tests.builders.interactions import NOON, interaction
from tests.contracts.test_activity_store import make_activity_table
from tests.fakes.model_ports import FakeTopKStore
from tests.fakes.serving_ports import FakeLists
from topshelf.aws.activity_table import ActivityTable
from topshelf.aws.topk_table import TopKTable, TopKTableImport, import_line
from topshelf.errors import UnavailableError
from topshelf.ports import TopKCache, TopKStore
from topshelf.topk import POPULAR_KEY, TopKList, pack_history, pack_rows, pack_scores

VERSION = "20260101T000000Z-0a1b2c3d"
DAY, EVE = date(2026, 1, 1), date(2025, 12, 31)
LIST = TopKList(
    "m/1 m%2 m+3",
    pack_scores([3, 2, 1]),
    pack_history([0, 7], [1.5, 2.0]),
    pack_rows([7, 0, 7]),
    "batch",
    NOON,
)
POPULAR = TopKList("p1 p2", pack_scores([2, 1]), b"", b"", "batch", NOON)
ALIKE = TopKList("m%2", pack_scores([0.5]), b"", b"", "batch", NOON, title="Père & fils")
UNTITLED = TopKList("m/1", pack_scores([0.5]), b"", b"", "batch", NOON)
WAR = TopKList("m%2", pack_scores([0.5]), b"", b"", "batch", NOON)
ROWS = {
    "u/1": LIST,
    POPULAR_KEY: POPULAR,
    " popular genre:War": WAR,
    " similar m/1": ALIKE,
    " similar m%2": UNTITLED,
    'u"\\3': replace(LIST, items="m\"1 m\\2 m'3"),
}


class Tables:
    """An imported version in the emulator, and the activity beside it."""

    def __init__(self, client: Any, rows: dict[str, TopKList]) -> None:
        self.dynamodb, s3 = client("dynamodb"), client("s3")
        self.prefix, bucket = f"topk-{uuid4().hex[:8]}", f"models-{uuid4().hex[:8]}"
        s3.create_bucket(Bucket=bucket)
        lines = b"".join(import_line(key, ready) for key, ready in rows.items())
        key = f"models/{VERSION}/topk/part-00000.json.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(lines))
        self.imports = TopKTableImport(self.dynamodb, prefix=self.prefix, bucket=bucket)
        self.handle = self.imports.start(VERSION)
        while self.imports.report(self.handle).status == "running":
            time.sleep(0.01)
        self.activity_table = make_activity_table(self.dynamodb)
        self.activity = ActivityTable(self.dynamodb, table=self.activity_table, ttl_days=9)

    def adapter(self) -> TopKTable:
        return TopKTable(self.dynamodb, prefix=self.prefix, activity_table=self.activity_table)


Seen = Callable[[str, str, date], None]


@pytest.fixture(params=["fake", "dynamodb"])
def lists(request: pytest.FixtureRequest) -> tuple[TopKCache, Seen]:
    """A cache that holds ROWS, and a way to say that a viewer saw an item on a day."""
    if request.param == "fake":
        fake = FakeLists()
        fake.own[VERSION, "u/1"] = LIST
        fake.charts[VERSION] = POPULAR
        fake.charts[f"{VERSION} genre:War"] = WAR
        fake.alike[VERSION, "m/1"] = ALIKE
        fake.alike[VERSION, "m%2"] = UNTITLED
        return fake, lambda user, item, day: fake.seen.setdefault((user, day), set()).add(item)
    tables = Tables(request.getfixturevalue("client"), ROWS)

    def saw(user: str, item: str, day: date) -> None:
        arrived = NOON + (day - DAY).days * 86_400_000
        tables.activity.record([interaction(user, item)], arrived_at=arrived)

    return tables.adapter(), saw


def test_one_read_gives_the_list_and_what_was_seen_on_the_days(
    lists: tuple[TopKCache, Seen],
) -> None:
    cache, saw = lists
    saw("u/1", "m/1", DAY)
    saw("u/1", "m%2", EVE)
    saw("u/2", "m+3", DAY)
    shelf = cache.read(VERSION, "u/1", [DAY, EVE])
    assert shelf.own is not None
    assert (shelf.own.items, shelf.own.scores, shelf.own.source, shelf.own.generated_at) == (
        LIST.items,
        LIST.scores,
        "batch",
        NOON,
    )
    assert shelf.seen == {"m/1", "m%2"}
    assert cache.read(VERSION, "u/1", [DAY]).seen == {"m/1"}


def test_a_viewer_without_a_list_may_have_seen_things(lists: tuple[TopKCache, Seen]) -> None:
    cache, saw = lists
    saw("u/2", "m/1", DAY)
    shelf = cache.read(VERSION, "u/2", [DAY])
    assert (shelf.own, shelf.seen) == (None, {"m/1"})


def test_the_popular_list_is_read_by_version(lists: tuple[TopKCache, Seen]) -> None:
    cache, _ = lists
    assert cache.popular(VERSION) == POPULAR
    assert cache.popular(VERSION, "genre:War") == WAR
    assert cache.popular(VERSION, "genre:Drama") is None


def test_the_items_like_an_item_are_read_by_its_id(lists: tuple[TopKCache, Seen]) -> None:
    cache, _ = lists
    assert cache.similar(VERSION, "m/1") == ALIKE
    assert cache.similar(VERSION, "m/2") is None


def test_titles_are_told_as_far_as_they_are_known(lists: tuple[TopKCache, Seen]) -> None:
    cache, _ = lists
    assert cache.titles(VERSION, ["m%2", "m/1", "unknown"]) == {"m/1": "Père & fils"}


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> TopKStore:
    if request.param == "fake":
        fake = FakeTopKStore()
        fake.lists[VERSION, "u/1"] = LIST
        return fake
    return Tables(request.getfixturevalue("client"), ROWS).adapter()


def test_a_list_is_replaced_if_it_still_stands(store: TopKStore) -> None:
    newer = replace(LIST, source="refresh", items="m9 m8 m7", generated_at=NOON + 1)
    assert store.get(VERSION, "u/1") == LIST
    assert store.replace(VERSION, "u/1", LIST, newer)
    assert store.get(VERSION, "u/1") == replace(newer, revision=1)
    newest = replace(newer, items="m7 m6 m5", revision=1, leniency=-0.25, unclicked=b"\1\0\0\0")
    assert store.replace(VERSION, "u/1", replace(newer, revision=1), newest)
    assert store.get(VERSION, "u/1") == replace(newest, revision=2)


def test_a_list_that_changed_meanwhile_is_left_alone(store: TopKStore) -> None:
    newer = replace(LIST, items="m9 m8 m7", generated_at=NOON + 1)
    assert store.replace(VERSION, "u/1", LIST, newer)
    assert not store.replace(VERSION, "u/1", LIST, replace(LIST, items="m8 m7 m6"))
    assert store.get(VERSION, "u/1") == replace(newer, revision=1)


def test_nobody_has_no_list(store: TopKStore) -> None:
    assert store.get(VERSION, "u/2") is None


def test_a_missing_table_is_unavailable_not_empty(client: Any) -> None:
    table = TopKTable(client("dynamodb"), prefix="no-such", activity_table="none")
    with pytest.raises(UnavailableError, match="release it again"):
        table.popular(VERSION)
    with pytest.raises(UnavailableError, match="release it again"):
        table.titles(VERSION, ["m1"])


def test_the_import_reports_its_own_counts_and_rows_read_back(client: Any) -> None:
    tables = Tables(client, ROWS)
    report = tables.imports.report(tables.handle)
    assert (report.status, report.imported, report.errors) == ("completed", 6, 0)
    assert tables.imports.sample(VERSION, [*ROWS, "nobody"]) == ROWS
