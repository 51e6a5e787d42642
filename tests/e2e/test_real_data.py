"""Real data, from the files as they come to what viewers are served.

Every set has the local cloud's lake to itself, and viewers of its own.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backports import zstd

from infra.cli import releasing
from infra.importers import ImportSummary, import_events, open_source
from tests.e2e.conftest import Platform, quiet
from tests.fakes.event_ports import FakeActivity
from topshelf.aws.event_bucket import EventBucket

# The slow ones take a minute each, and several on a machine that has other things to do.
pytestmark = [pytest.mark.data, pytest.mark.timeout(900)]

Seen = dict[str, set[str]]


@pytest.fixture
def platform(running: Platform) -> Platform:
    """The local cloud, its lake empty."""
    s3, bucket = running.stack.client("s3"), running.stack.outputs["BucketName"]
    for prefix in ("events/", "catalog/", "imports/"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=found["Key"])
    return running


def arrays(data_dir: Path, name: str) -> Mapping[str, Any]:
    """The columns of a set that is kept as arrays."""
    path = data_dir / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with np.load(path) as found:
        return {column: found[column] for column in found.files}


def small(data_dir: Path) -> Path:
    """MovieLens latest-small as it is distributed."""
    path = data_dir / "ml-latest-small"
    if not path.is_dir():
        pytest.skip(f"{path} is not there")
    return path


def seen_by(users: list[str], items: list[str]) -> Seen:
    seen: Seen = {}
    for user, item in zip(users, items, strict=True):
        seen.setdefault(user, set()).add(item)
    return seen


def assert_all_accepted(summary: ImportSummary, rows: int) -> None:
    assert summary.read == summary.accepted + summary.duplicates + summary.quarantined
    assert (summary.read, summary.accepted) == (rows, rows)


def serve(platform: Platform, iterations: int = 5) -> dict[str, Any]:
    """Trains on the lake and releases; the movies of the artefact."""
    manifest = platform.train(iterations=iterations)
    # Each set is released over another, of which the gate would compare the figures.
    releasing.release(platform.stack, manifest.version, quiet, force=True)
    return dict(json.loads(platform.stack.models().read(manifest.version, "items.json")))


def assert_served(
    platform: Platform, seen: Seen, *, every: int = 1, known: Mapping[str, Any] | None = None
) -> None:
    """Each viewer, or each so many-th, gets 20 items of the set that are new to them."""
    api = platform.api()
    catalogue = set().union(*seen.values())
    for user_id in list(seen)[::every]:
        answer = api.recommendations(user_id)
        items = {item["item_id"] for item in answer["item_list"]}
        assert (answer["tier"], len(items)) == ("own", 20), user_id
        assert not seen[user_id] & items, user_id
        assert items <= catalogue
        assert all(known[item]["title"] != item for item in items if known and item in known)


def test_every_viewer_of_movielens_is_served_titles_never_rated_before(
    platform: Platform, data_dir: Path
) -> None:
    source = small(data_dir)
    summary = platform.load(source)
    assert_all_accepted(summary, 100_836)
    assert summary.movies == 9_742
    movies = serve(platform, iterations=15)
    rows = list(csv.DictReader((source / "ratings.csv").read_text().splitlines()))
    rated = seen_by([row["userId"] for row in rows], [row["movieId"] for row in rows])
    assert len(rated) == 610
    assert sum(len(items) > 200 for items in rated.values()) == 133
    assert max(map(len, rated.values())) == 2_698
    assert_served(platform, rated, known=movies)
    assert movies["1"]["title"] == "Toy Story"
    assert movies["1"]["year"] == 1995


def trio(source: Path, folder: Path, users: int) -> Seen:
    """Amazon Personalize's three files, of the first viewers of a MovieLens directory."""
    kept = [
        row
        for row in csv.DictReader((source / "ratings.csv").read_text().splitlines())
        if int(row["userId"]) <= users
    ]

    def interactions() -> Iterator[tuple[object, ...]]:
        yield ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE")
        for row in kept:
            user, stars = f"p{row['userId']}", float(row["rating"])
            # Every third is a title watched to some part, the others are ratings.
            watched = int(row["movieId"]) % 3 == 0
            event = ("Watch", stars / 5) if watched else ("rating", stars)
            yield (user, row["movieId"], row["timestamp"], *event)

    def items() -> Iterator[tuple[object, ...]]:
        yield ("ITEM_ID", "TITLE", "GENRES")
        with (source / "movies.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield (row["movieId"], row["title"], row["genres"])

    for name, rows in (
        ("interactions.csv", interactions()),
        ("items.csv", items()),
        ("users.csv", [("USER_ID", "AGE"), *((f"p{n}", 30) for n in range(1, users + 1))]),
    ):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return seen_by([f"p{row['userId']}" for row in kept], [row["movieId"] for row in kept])


@pytest.mark.parametrize("users", [100, pytest.param(610, marks=pytest.mark.slow)])
def test_personalizes_three_files_are_served_with_titles(
    platform: Platform, data_dir: Path, tmp_path: Path, users: int
) -> None:
    seen = trio(small(data_dir), tmp_path, users)
    summary = platform.load(tmp_path)
    assert_all_accepted(summary, sum(map(len, seen.values())))
    assert (summary.movies, summary.users) == (9_742, users)
    movies = serve(platform)
    assert_served(platform, seen, known=movies)
    # The titles end with the year, and there is no column for it.
    assert (movies["1"]["title"], movies["1"]["year"]) == ("Toy Story", 1995)
    assert (movies["296"]["title"], movies["296"]["year"]) == ("Pulp Fiction", 1994)


@pytest.mark.slow
def test_movielens_100k_with_colons_between_is_served(
    platform: Platform, data_dir: Path, tmp_path: Path
) -> None:
    data = arrays(data_dir, "ml100k.npz")
    users = [f"k{user}" for user in data["user"].tolist()]
    items = [str(item) for item in data["item"].tolist()]
    columns = (users, items, data["rating"].tolist(), data["ts"].tolist())
    lines = [f"{u}::{i}::{r:g}::{t}\n" for u, i, r, t in zip(*columns, strict=True)]
    (tmp_path / "ratings.dat").write_text("".join(lines))
    summary = platform.load(tmp_path)
    assert_all_accepted(summary, 100_000)
    assert summary.movies == 0
    serve(platform)
    seen = seen_by(users, items)
    assert len(seen) == 943
    assert_served(platform, seen, every=5)


@pytest.mark.slow
def test_movielens_1m_as_compressed_personalize_interactions_is_served(
    platform: Platform, data_dir: Path, tmp_path: Path
) -> None:
    data = arrays(data_dir, "ml1m.npz")
    users = [f"m{user}" for user in data["user"].tolist()]
    items = [str(item) for item in data["item"].tolist()]
    # Rows are in each viewer's time order; the last one's time is known, the others' is made up.
    last = dict(zip(dict.fromkeys(users), data["last_ts"].tolist(), strict=True))
    lines = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"]
    columns = (users[::-1], items[::-1], data["like"].tolist()[::-1])
    for user, item, like in zip(*columns, strict=True):
        lines.append(f"{user},{item},{last[user]},rating,{4.5 if like else 2.0}\n")
        last[user] -= 60
    (tmp_path / "interactions.csv.zst").write_bytes(zstd.compress("".join(lines).encode()))
    activity = FakeActivity()
    # The newest 200 of 6,040 viewers would take 15 GB of an emulator that keeps all in memory.
    summary = import_events(
        open_source(tmp_path),
        lake=EventBucket(platform.stack.client("s3"), bucket=platform.stack.outputs["BucketName"]),
        activity=activity,
        policy=platform.stack.policy(),
        clock=lambda: datetime.now(UTC),
    )
    assert_all_accepted(summary, 1_000_209)
    seen = seen_by(users, items)
    assert summary.activity_written == sum(min(len(items), 200) for items in seen.values())
    serve(platform)
    assert len(seen) == 6_040
    assert_served(platform, seen, every=20)
