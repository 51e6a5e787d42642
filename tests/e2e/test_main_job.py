"""The main job as its users do it: events in, a model, a release, recommendations, a rollback."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cli import releasing
from tests.e2e.conftest import Platform, quiet
from topshelf.errors import TopshelfError
from topshelf.manifest import Manifest

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def live(running: Platform, few_viewers: Path) -> Manifest:
    """A model of a few viewers, released."""
    assert running.api().call("GET", "/v1/health")[0] == 503
    summary = running.load(few_viewers)
    assert summary.read == summary.accepted == 12_000
    manifest = running.train()
    said = releasing.release(running.stack, manifest.version, quiet)
    assert said["version"] == manifest.version
    return manifest


def eventually[T](look: Callable[[], T | None], seconds: float = 30) -> T:
    """What ``look`` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)
    return found


def watched_by(few_viewers: Path) -> dict[str, set[str]]:
    seen: dict[str, set[str]] = {}
    for line in (few_viewers / "events.jsonl").read_bytes().splitlines():
        event = json.loads(line)
        seen.setdefault(event["user_id"], set()).add(event["item_id"])
    return seen


def test_every_viewer_gets_twenty_titles_never_watched_before(
    running: Platform, live: Manifest, few_viewers: Path
) -> None:
    api = running.api()
    for user_id, seen in watched_by(few_viewers).items():
        answer = api.recommendations(user_id)
        items = [item["item_id"] for item in answer["item_list"]]
        assert answer["tier"] == "own"
        assert answer["model_version"] == live.version
        assert len(set(items)) == 20
        assert not seen.intersection(items)
        scores = [item["score"] for item in answer["item_list"]]
        assert scores == sorted(scores, reverse=True)


def test_an_unknown_viewer_gets_what_is_popular(running: Platform, live: Manifest) -> None:
    answer = running.api().recommendations("who/is%this")
    assert answer["tier"] == "popular"
    assert len(answer["item_list"]) == 20
    status, popular = running.api().call("GET", "/v1/popular?num_results=20")
    assert status == 200
    assert popular["item_list"] == answer["item_list"]


def test_what_was_just_watched_is_gone_at_once_and_the_list_is_refreshed(
    running: Platform, live: Manifest
) -> None:
    api = running.api()
    before = api.recommendations("v000007")
    best = before["item_list"][0]["item_id"]
    now = int(time.time() * 1000)
    event = {
        "user_id": "v000007",
        "item_id": best,
        "event_type": "watch",
        "event_value": 1.0,
        "timestamp": now,
        "recommendation_id": before["recommendation_id"],
    }
    assert api.call("POST", "/v1/events", {"events": [event]})[0] == 202
    assert best not in {item["item_id"] for item in api.recommendations("v000007")["item_list"]}

    def refreshed() -> dict[str, object] | None:
        answer = api.recommendations("v000007")
        return answer if answer["generated_at"] == now else None

    answer = eventually(refreshed)
    assert best not in {item["item_id"] for item in answer["item_list"]}


def test_the_event_and_the_exposure_reach_the_lake(running: Platform, live: Manifest) -> None:
    api = running.api()
    exposure = api.recommendations("v000008")["recommendation_id"]
    event = {
        "user_id": "a/b+c%d",
        "item_id": "m/1",
        "event_type": "view",
        "timestamp": 1_790_000_000_000,
    }
    assert api.call("POST", "/v1/events", {"events": [event]})[0] == 202
    s3, bucket = running.stack.client("s3"), running.stack.outputs["BucketName"]

    def lines(prefix: str) -> list[dict[str, object]]:
        keys = [
            found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        ]
        assert all("/dt=20" in key and key.endswith(".jsonl.gz") for key in keys), keys
        bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]

    running.cloud.flush()
    assert event in lines("events/")
    (found,) = [line for line in lines("exposures/") if line["recommendation_id"] == exposure]
    assert found["user_id"] == "v000008"
    assert len(found["items"]) == 20  # type: ignore[arg-type]


def test_an_answer_leads_back_to_its_manifest(running: Platform, live: Manifest) -> None:
    api = running.api()
    said = api.recommendations("v000009")["recommendation_id"]
    status, found = api.call("GET", f"/v1/provenance/{said}")
    assert status == 200
    assert (found["model_version"], found["seed"]) == (live.version, live.seed)
    assert found["data_objects"] == len(live.data.objects)
    assert found["parameters"]["als"] == live.parameters["als"]


def test_items_like_an_item_are_served(running: Platform, live: Manifest) -> None:
    status, body = running.api().call("GET", "/v1/items/m00001/similar?num_results=7")
    items = [item["item_id"] for item in body["item_list"]]
    assert (status, body["tier"], len(set(items))) == (200, "similar", 7)
    assert "m00001" not in items
    assert running.api().call("GET", "/v1/items/none/similar")[0] == 404


def test_answers_carry_titles_on_request(
    running: Platform, live: Manifest, few_viewers: Path
) -> None:
    lines = (few_viewers / "items.jsonl").read_bytes().splitlines()
    known = {movie["item_id"]: movie["title"] for movie in map(json.loads, lines)}
    for path in ("/v1/users/v000010/recommendations", "/v1/popular", "/v1/items/m00001/similar"):
        status, body = running.api().call("GET", f"{path}?titles=true&num_results=100")
        assert (status, len(body["item_list"])) == (200, 100)
        for item in body["item_list"]:
            assert item["title"] == known[item["item_id"]]


def test_an_unsigned_request_is_forbidden(running: Platform, live: Manifest) -> None:
    for path in ("/v1/popular", "/v1/health", "/docs", "/openapi.json"):
        status, _ = running.api(signed=False).call("GET", path)
        assert status == 403


def test_the_same_data_and_seed_give_the_same_bytes(running: Platform, live: Manifest) -> None:
    again = running.train()
    assert again.files == live.files or again.data.objects != live.data.objects
    third = running.train()
    assert third.files == again.files
    assert third.version[-8:] == again.version[-8:]


def test_one_flipped_byte_is_refused_and_the_old_version_goes_on_serving(
    running: Platform, live: Manifest
) -> None:
    broken = running.train(seed=1)
    s3, bucket = running.stack.client("s3"), running.stack.outputs["BucketName"]
    key = f"models/{broken.version}/item_factors.npy"
    content = bytearray(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    content[-1] ^= 1
    s3.put_object(Bucket=bucket, Key=key, Body=bytes(content))
    with pytest.raises(TopshelfError, match=r"item_factors\.npy"):
        releasing.release(running.stack, broken.version, quiet)
    assert running.api().recommendations("v000001")["model_version"] == live.version


def test_an_artefact_without_manifest_is_no_model(running: Platform, live: Manifest) -> None:
    half = running.train(seed=2)
    s3, bucket = running.stack.client("s3"), running.stack.outputs["BucketName"]
    s3.delete_object(Bucket=bucket, Key=f"models/{half.version}/manifest.json")
    with pytest.raises(TopshelfError, match="no manifest"):
        releasing.release(running.stack, half.version, quiet)


def test_rollback_serves_the_version_before(running: Platform, live: Manifest) -> None:
    newer = running.train(seed=3)
    path = "/v1/users/v000001/recommendations?num_results=60"
    _, first = running.api().call("GET", path)
    said = releasing.release(running.stack, newer.version, quiet)
    assert said == {"status": "live", "version": newer.version, "previous": live.version}

    def served(version: str) -> Callable[[], bool | None]:
        # The live version is believed for a few seconds.
        return lambda: running.api().recommendations("v000001")["model_version"] == version or None

    assert eventually(served(newer.version))
    # A list that somebody is leafing through stays the list of its version.
    status, second = running.api().call("GET", f"{path}&page={first['next_page']}")
    assert (status, second["model_version"], second["tier"]) == (200, live.version, "previous")
    shown = [item["item_id"] for page in (first, second) for item in page["item_list"]]
    assert len(shown) == len(set(shown)) > 60
    assert second["next_page"] is None
    assert releasing.rollback(running.stack)["version"] == live.version
    assert eventually(served(live.version))
