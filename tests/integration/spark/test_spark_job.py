"""The job on Spark against an emulator, beside the job of one machine on the same bucket."""

import gzip
import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from pyspark import SparkContext

from tests.fakes.model_ports import FakeCheckpoints, FakeRegistry
from tests.unit.test_publish import lists_of
from tests.unit.test_training_job import PARAMETERS, viewing
from topshelf.aws.clients import create_client
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.aws.model_bucket import ModelBucket
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction, encode_line
from topshelf.factors import Regularization, fold_in, gram_matrix
from topshelf.manifest import MANIFEST_NAME, Manifest, parse_manifest
from topshelf.recency import Recency
from topshelf.topk import unpack_history
from training.job import train
from training.spark.job import train_shared

# A session and two trainings before the first of them: a minute where nothing else runs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REGION = "us-east-1"
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
NDCG = "normalized_discounted_cumulative_gain_at_10"


def open_lake(bucket: str, endpoint: str) -> LakeBucket:
    return LakeBucket(create_client("s3", REGION, endpoint), bucket=bucket)


def open_artefacts(bucket: str, endpoint: str) -> ModelBucket:
    return ModelBucket(create_client("s3", REGION, endpoint), bucket=bucket)


def messy() -> list[Interaction]:
    """Viewing in which sessions, their sign-ins and repeats are in objects far apart."""
    events = viewing(users=80)
    rng = np.random.default_rng(5)
    found = []
    for number, event in enumerate(events):
        kind = rng.integers(6)
        if kind == 0:
            # Before sign-in: the session tells whose it is.
            found.append(replace(event, user_id=None, session_id=f"s-{event.user_id}"))
        elif kind == 1:
            found.append(replace(event, event_id=f"e{number}"))
        else:
            found.append(event)
        if rng.random() < 0.1:
            found.append(found[-1])
    users = sorted({event.user_id for event in events if event.user_id})
    signed_in = [
        Interaction(
            item_id="m000",
            event_type="view",
            timestamp=1_767_300_000_000,
            user_id=user,
            session_id=f"s-{user}",
        )
        for user in users[:-5]
    ]
    lost = Interaction(
        item_id="m001", event_type="view", timestamp=1_767_300_000_001, session_id="nobody"
    )
    return [*found, *signed_in, lost]


@dataclass
class Trained:
    manifest: Manifest
    files: dict[str, bytes]
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def array(self, name: str) -> Any:
        return np.load(io.BytesIO(self.files[name]), allow_pickle=False)


@pytest.fixture(scope="module")
def lake(emulator: str) -> str:
    name = f"lake-{uuid4().hex[:8]}"
    s3 = create_client("s3", REGION, emulator)
    s3.create_bucket(Bucket=name)
    events = messy()
    for part in range(7):
        body = b"".join(map(encode_line, events[part::7])) + b"not an event\n"
        key = f"events/dt=2026-01-0{part + 1}/a.jsonl.gz"
        s3.put_object(Bucket=name, Key=key, Body=gzip.compress(body))
    movies = b"".join(
        json.dumps({"item_id": f"m{i:03d}", "title": f"Film {i}", "genres": ["Drama"]}).encode()
        + b"\n"
        for i in range(130)
    )
    s3.put_object(Bucket=name, Key="catalog/items.jsonl.gz", Body=gzip.compress(movies))
    return name


def on_spark(
    context: SparkContext, lake: str, emulator: str, kept: FakeCheckpoints, **changes: Any
) -> Trained:
    told: list[tuple[str, int, int]] = []
    arguments: dict[str, Any] = {
        "open_lake": partial(open_lake, lake, emulator),
        "open_artefacts": partial(open_artefacts, lake, emulator),
        "registry": FakeRegistry(),
        "checkpoints": kept,
        "policy": DEFAULT_POLICY,
        "parameters": PARAMETERS,
        "git_commit": "abc",
        "clock": lambda: NOW,
        "progress": lambda *step: told.append(step),
        "parts": 3,
    }
    manifest = train_shared(context, **arguments | changes)
    store = open_artefacts(lake, emulator)
    files = {name: store.read(manifest.version, name) for name in manifest.files}
    return Trained(manifest, files, told)


@pytest.fixture(scope="module")
def shared(context: SparkContext, lake: str, emulator: str) -> Trained:
    return on_spark(context, lake, emulator, FakeCheckpoints())


@pytest.fixture(scope="module")
def single(lake: str, emulator: str) -> Trained:
    store = open_artefacts(lake, emulator)
    manifest = train(
        lake=open_lake(lake, emulator),
        artefacts=store,
        registry=FakeRegistry(),
        checkpoints=FakeCheckpoints(),
        policy=DEFAULT_POLICY,
        parameters=PARAMETERS,
        git_commit="abc",
        clock=lambda: NOW,
        progress=lambda *_: None,
    )
    return Trained(manifest, {n: store.read(manifest.version, n) for n in manifest.files})


def test_both_read_and_clean_the_same(shared: Trained, single: Trained) -> None:
    own = json.loads(shared.files["metrics.json"])["data"]
    other = json.loads(single.files["metrics.json"])["data"]
    assert own == {name: other[name] for name in own}
    assert own["quarantined"] == 7
    assert own["unjoined"] > 0
    assert own["joined"] > 0
    assert own["duplicates"] > 0
    assert shared.manifest.data == single.manifest.data


def test_both_learn_of_the_same_histories(shared: Trained, single: Trained) -> None:
    for name in ("user_ids.json", "item_ids.json", "items.json", "popular.json"):
        assert shared.files[name] == single.files[name], name
    own, other = lists_of(shared.files), lists_of(single.files)
    assert own.keys() == other.keys()
    assert [own[key].history for key in own] == [other[key].history for key in own]
    assert all(own[key].generated_at == other[key].generated_at for key in own)


def test_the_regularization_is_derived_alike(shared: Trained, single: Trained) -> None:
    own, other = (t.manifest.parameters["als"]["regularization"] for t in (shared, single))
    assert own == pytest.approx(other, rel=1e-9)


def test_the_gate_has_the_metrics_it_judges_by(shared: Trained, single: Trained) -> None:
    own, other = shared.manifest.metrics, single.manifest.metrics
    assert own["popularity"] == pytest.approx(other["popularity"])
    # A small set, few steps: the two stop at places of their own, near each other.
    assert own["als"][NDCG] == pytest.approx(other["als"][NDCG], abs=0.05)


def test_an_artefact_is_whole_and_its_manifest_the_last(
    shared: Trained, lake: str, emulator: str
) -> None:
    store = open_artefacts(lake, emulator)
    manifest = shared.manifest
    assert parse_manifest(store.read(manifest.version, MANIFEST_NAME), manifest.version) == manifest
    assert len(lists_of(shared.files)) == manifest.topk_items
    users, items = shared.array("user_factors.npy"), shared.array("item_factors.npy")
    assert users.shape == (manifest.n_users, 8)
    assert items.shape == (manifest.n_items, 8)
    parts = [name for name in shared.files if name.startswith("topk/part-")]
    assert len(parts) == 3


def test_a_list_is_the_fold_in_of_its_history(shared: Trained) -> None:
    """By the manifest alone, as a refresh would."""
    items = shared.array("item_factors.npy")
    users = shared.array("user_factors.npy")
    ids = json.loads(shared.files["user_ids.json"])
    als = shared.manifest.parameters["als"]
    recency = Recency(**shared.manifest.parameters["recency"])
    own = recency.regularization(Regularization(als["regularization"], als["exponent"]))
    lists = lists_of(shared.files)
    for row in (0, 17, len(ids) - 1):
        rows, confidences = unpack_history(lists[ids[row]].history)
        weighed = recency.weigh(np.asarray(confidences, np.float32))
        taste = fold_in(items, gram_matrix(items), np.asarray(rows), weighed, own)
        np.testing.assert_allclose(users[row], taste, atol=1e-5)


def test_a_killed_job_goes_on_from_its_items_and_makes_the_same_files(
    shared: Trained, context: SparkContext, lake: str, emulator: str
) -> None:
    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("fit", 3):
            raise KilledError

    kept = FakeCheckpoints()
    with pytest.raises(KilledError):
        on_spark(context, lake, emulator, kept, progress=kill)
    assert len(kept.kept) == 2
    again = on_spark(context, lake, emulator, kept)
    fitted = [done for stage, done, _ in again.told if stage == "fit"]
    assert fitted == [3, 4]
    assert again.manifest.files == shared.manifest.files
    assert kept.kept == {}


def test_too_little_is_refused_before_any_fit(context: SparkContext, emulator: str) -> None:
    name = f"lake-{uuid4().hex[:8]}"
    s3 = create_client("s3", REGION, emulator)
    s3.create_bucket(Bucket=name)
    with pytest.raises(InvalidInputError, match="there are 0 interactions of 0 users"):
        on_spark(context, name, emulator, FakeCheckpoints())
