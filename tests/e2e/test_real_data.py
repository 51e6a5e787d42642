"""A stranger's first real data: MovieLens latest-small, whole."""

import csv
import json
from pathlib import Path

import pytest

from infra.cli import releasing
from tests.e2e.conftest import Platform, quiet

pytestmark = [pytest.mark.data, pytest.mark.timeout(240)]


def test_every_viewer_of_movielens_is_served_titles_never_rated_before(
    running: Platform, data_dir: Path
) -> None:
    source = data_dir / "ml-latest-small"
    summary = running.load(source)
    assert summary.read == 100_836
    assert summary.read == summary.accepted + summary.duplicates + summary.quarantined
    assert summary.movies == 9_742
    manifest = running.train(iterations=15)
    releasing.release(running.stack, manifest.version, quiet)
    rated: dict[str, set[str]] = {}
    with (source / "ratings.csv").open() as file:
        for row in csv.DictReader(file):
            rated.setdefault(row["userId"], set()).add(row["movieId"])
    assert len(rated) == 610
    assert sum(len(items) > 200 for items in rated.values()) == 133
    assert max(map(len, rated.values())) == 2_698
    api = running.api()
    for user_id, seen in rated.items():
        answer = api.recommendations(user_id)
        items = {item["item_id"] for item in answer["item_list"]}
        assert (answer["tier"], len(items)) == ("own", 20)
        assert not seen & items
    movies = json.loads(running.stack.models().read(manifest.version, "items.json"))
    assert movies["1"]["title"] == "Toy Story"
    assert movies["1"]["year"] == 1995
