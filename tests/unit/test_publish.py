import gzip
import io
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes.model_ports import FakeFactorStore
from tests.unit.test_evaluate import data_of
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import InvalidInputError
from topshelf.factors import fold_in
from topshelf.history import bound_history
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, Manifest, parse_manifest
from topshelf.ranking import NO_ITEM, Ranked
from topshelf.recency import Recency
from topshelf.rerank import Histories
from topshelf.topk import POPULAR_KEY, TopKList, unpack_history, unpack_rows, unpack_scores
from topshelf.weighing import Weighing
from training import pool, viewer_lists
from training import publish as publishing
from training.als import ALSParameters, fit_als
from training.lists import Audience, popular_lists
from training.publish import TrainedModel, catalogue_entries, publish

AT = datetime(2026, 2, 1, tzinfo=UTC)
USERS, ITEMS = 70, 130


def lists_of(files: Mapping[str, bytes]) -> dict[str, TopKList]:
    """The rows of an artefact's import files by user id."""
    found: dict[str, TopKList] = {}
    for name in sorted(files):
        if name.startswith("topk/"):
            for line in gzip.decompress(files[name]).splitlines():
                item: dict[str, Any] = json.loads(line)["Item"]
                names = {"scores", "history", "because", "unclicked"} & item.keys()
                packed: dict[str, Any] = {name: b64decode(item[name]["B"]) for name in names}
                user_id = item["user_id"]["S"]
                assert user_id not in found
                found[user_id] = TopKList(
                    items=item["items"]["S"],
                    source=item["source"]["S"],
                    generated_at=int(item["generated_at"]["N"]),
                    **packed,
                )
    return found


def trained() -> TrainedModel:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(3)
    liked = rng.random((USERS, ITEMS)) < 0.2
    liked[0] = True  # a viewer who has seen everything
    data = data_of(csr_matrix(liked * np.float32(1.5)))
    return TrainedModel(
        data=data,
        factors=fit_als(data.matrix, ALSParameters(factors=6, iterations=3), lambda _: None),
        metrics={"als": {"coverage": 0.5}},
        counts={"lines": 3},
        catalogue={
            "m001": Movie(item_id="m001", title="One", genres=("Drama",), year=1999),
            "other": Movie(item_id="other", title="Nobody saw it"),
        },
        snapshot=DataSnapshot(taken_at=1, newest_event=2, objects={"events/a": "etag"}),
        git_commit="abc",
        parameters={"als": {"regularization": 1.0}},
        seed=42,
        parent_version=None,
    )


MODEL = trained()


def published(model: TrainedModel = MODEL) -> tuple[Manifest, dict[str, bytes]]:
    store = FakeFactorStore()
    manifest = publish(model, store, AT, lambda *_: None)
    return manifest, store.of(manifest.version)


def test_every_file_is_in_the_manifest_with_size_and_hash() -> None:
    manifest, files = published()
    assert list(files)[-1] == MANIFEST_NAME
    assert set(manifest.files) == set(files) - {MANIFEST_NAME}
    for name, entry in manifest.files.items():
        assert (entry.size, entry.sha256) == (
            len(files[name]),
            sha256(files[name]).hexdigest(),
        )
    assert (manifest.n_users, manifest.n_items, manifest.factors) == (USERS, ITEMS, 6)
    assert manifest.topk_items == USERS + ITEMS + 2


def test_factors_are_float32_arrays_without_pickle() -> None:
    _, files = published()
    users, items = (
        np.load(io.BytesIO(files[f"{side}_factors.npy"]), allow_pickle=False)
        for side in ("user", "item")
    )
    assert users.dtype == items.dtype == np.float32
    np.testing.assert_array_equal(items, MODEL.factors.items)
    # The order of a history changes the last bits.
    np.testing.assert_allclose(users, MODEL.factors.users, rtol=1e-4, atol=1e-6)
    assert json.loads(files["user_ids.json"]) == list(MODEL.data.users.ids)
    assert json.loads(files["item_ids.json"]) == list(MODEL.data.items.ids)


def test_titles_are_those_of_the_models_items() -> None:
    _, files = published()
    assert json.loads(files["items.json"]) == {
        "m001": {"title": "One", "genres": ["Drama"], "year": 1999}
    }


def test_each_viewer_has_the_exact_list_of_the_own_history() -> None:
    _, files = published()
    lists = lists_of(files)
    popular = {POPULAR_KEY, f"{POPULAR_KEY} genre:Drama"}
    similar = {f" similar {item}" for item in MODEL.data.items.ids}
    assert set(lists) == {*MODEL.data.users.ids, *popular, *similar}
    ready = lists["u005"]
    rows, confidences = (np.array(part) for part in unpack_history(ready.history))
    own = slice(MODEL.data.matrix.indptr[5], MODEL.data.matrix.indptr[6])
    oldest_first = np.argsort(MODEL.data.last_times[own])
    assert rows.tolist() == MODEL.data.matrix.indices[own][oldest_first].tolist()
    factors = MODEL.factors
    taste = fold_in(
        factors.items, factors.gram, rows, confidences.astype(np.float32), factors.regularization
    )
    np.testing.assert_array_equal(taste, np.load(io.BytesIO(files["user_factors.npy"]))[5])
    scores = factors.items @ taste
    scores[rows] = -np.inf
    best = np.argsort(-scores, kind="stable")[: min(100, ITEMS - len(rows))]
    assert ready.item_ids() == [f"m{row:03d}" for row in best]
    assert unpack_scores(ready.scores) == pytest.approx(scores[best], abs=1e-3)
    assert len(unpack_rows(ready.because)) == len(best)
    assert set(unpack_rows(ready.because)) <= set(rows.tolist())
    assert (ready.source, ready.generated_at) == ("batch", MODEL.data.newest_event)


def test_a_viewer_who_has_seen_everything_has_an_empty_list() -> None:
    _, files = published()
    ready = lists_of(files)["u000"]
    assert (ready.item_ids(), ready.scores, ready.because) == ([], b"", b"")


def test_popular_items_have_most_viewers() -> None:
    _, files = published()
    viewers = np.bincount(MODEL.data.matrix.indices)
    popular = json.loads(files["popular.json"])
    assert popular["viewers"] == sorted(viewers.tolist(), reverse=True)[:100]
    assert popular["items"] == lists_of(files)[POPULAR_KEY].item_ids()
    share = unpack_scores(lists_of(files)[POPULAR_KEY].scores)[0]
    assert share == pytest.approx(viewers.max() / USERS, abs=1e-3)


def test_similar_items_are_the_nearest_by_cosine_and_never_the_item_itself() -> None:
    _, files = published()
    factors = MODEL.factors.items.astype(np.float64)
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    cosines = unit @ unit[7]
    cosines[7] = -np.inf
    nearest = np.argsort(-cosines, kind="stable")[:100]
    ready = lists_of(files)[" similar m007"]
    assert ready.item_ids()[:10] == [f"m{row:03d}" for row in nearest[:10]]
    assert "m007" not in ready.item_ids()
    assert unpack_scores(ready.scores)[0] == pytest.approx(cosines[nearest[0]], abs=1e-3)


def test_each_genre_has_its_own_popular_list() -> None:
    genres = {"m003": ("Drama", "War"), "m010": ("Drama",), "m020": ("War",), "m999": ("Western",)}
    catalogue = {
        name: Movie(item_id=name, title=name, genres=found) for name, found in genres.items()
    }
    lists = popular_lists(Audience.of(MODEL.data), catalogue)
    assert set(lists) == {POPULAR_KEY, f"{POPULAR_KEY} genre:Drama", f"{POPULAR_KEY} genre:War"}
    viewers = np.bincount(MODEL.data.matrix.indices)
    drama = lists[f"{POPULAR_KEY} genre:Drama"]
    assert drama.item_ids() == sorted(["m003", "m010"], key=lambda m: -viewers[int(m[1:])])
    best = max(viewers[3], viewers[10]) / USERS
    assert unpack_scores(drama.scores)[0] == pytest.approx(best, abs=1e-3)


def test_the_sample_is_what_an_import_must_give() -> None:
    _, files = published()
    sample = json.loads(files["topk-sample.json"])
    assert POPULAR_KEY in sample
    assert len(sample) == USERS + 1
    lists = lists_of(files)
    assert sample == {key: lists[key].items for key in sample}


def test_the_sample_has_at_most_a_hundred_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_SAMPLED", 9)
    _, files = published()
    assert len(json.loads(files["topk-sample.json"])) == 10


def test_lists_are_cut_into_parts_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lists_of(published()[1])
    monkeypatch.setattr(publishing, "_LISTS_A_PART", 32)
    monkeypatch.setattr(viewer_lists, "_BLOCK", 16)
    manifest, files = published()
    assert [n for n in sorted(manifest.files) if n.startswith("topk/part")] == [
        f"topk/part-0000{i}.json.gz" for i in range(3)
    ]
    assert {k: v.items for k, v in lists_of(files).items()} == {
        k: v.items for k, v in whole.items()
    }


def test_two_trainings_of_one_second_are_two_versions() -> None:
    store = FakeFactorStore()
    first = publish(MODEL, store, AT, lambda *_: None)
    before = store.of(first.version)
    second = publish(replace(MODEL, git_commit="another"), store, AT, lambda *_: None)
    assert store.of(first.version) == before
    assert second.version > first.version
    assert second.version[-8:] == first.version[-8:]
    assert second.files == first.files
    assert parse_manifest(store.read(second.version, MANIFEST_NAME), second.version) == second


def test_the_catalogue_is_read_and_bad_lines_are_counted() -> None:
    movie = Movie(item_id="m1", title="Père & fils")
    lines = encode_movies([movie]) + b"{}\n"
    assert catalogue_entries(gzip.compress(lines)) == ({"m1": movie}, 1)
    assert catalogue_entries(None) == ({}, 0)
    damaged = bytearray(gzip.compress(lines))
    damaged[12:14] = b"\xff\xff"
    with pytest.raises(InvalidInputError, match="not gzip"):
        catalogue_entries(bytes(damaged))
    with pytest.raises(InvalidInputError, match="not gzip"):
        catalogue_entries(b"plain")


def test_the_number_of_threads_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_LISTS_A_PART", 16)
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(pool, "process_cpu_count", lambda cores=cores: cores)
        found.append(published()[0].files)
    assert found[0] == found[1]


def test_weighing_and_stages_decide_the_lists() -> None:
    class Backwards:
        def order(self, ranked: Ranked, histories: Histories) -> NDArray[np.int64]:
            assert (histories.confidences < 2.5).all()
            filled = (ranked.rows != NO_ITEM).sum(axis=1, keepdims=True)
            places = np.arange(ranked.rows.shape[1])[None, :]
            return np.where(places < filled, filled - 1 - places, places)

    weighing = Weighing(recency=Recency(half_life=2.0))
    plain = lists_of(published(replace(MODEL, weighing=weighing))[1])
    turned = lists_of(published(replace(MODEL, weighing=weighing, stages=(Backwards(),)))[1])
    assert turned["u005"].item_ids() == plain["u005"].item_ids()[::-1]
    assert turned["u005"].scores == plain["u005"].scores
    assert turned["u005"].history == plain["u005"].history
    assert plain["u005"].items != lists_of(published()[1])["u005"].items


def test_a_history_past_the_bound_is_cut_and_nothing_seen_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, _ = unpack_history(lists_of(published()[1])["u005"].history)
    monkeypatch.setattr(viewer_lists, "MAX_HISTORY", 4)
    lists = lists_of(published()[1])
    rows, confidences = unpack_history(lists["u005"].history)
    own = np.array(whole), np.full(len(whole), 1.5, np.float32)
    assert rows == tuple(bound_history(*own, limit=4)[0].tolist())
    assert len(confidences) == 4
    assert not {f"m{row:03d}" for row in whole} & set(lists["u005"].item_ids())
    assert all(len(ready.history) <= 4 * 6 for ready in lists.values())
