"""The job on Spark against an emulator, beside the job of one machine on the same bucket."""

import json
from uuid import uuid4

import numpy as np
import pytest
from pyspark import SparkContext

from tests.fakes.model_ports import FakeCheckpoints
from tests.integration.spark.trainings import (
    NDCG,
    REGION,
    Trained,
    messy,
    new_lake,
    on_one_machine,
    on_spark,
    open_artefacts,
)
from tests.unit.test_publish import lists_of
from topshelf.aws.clients import create_client
from topshelf.errors import InvalidInputError
from topshelf.factors import Regularization, fold_in, gram_matrix
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from topshelf.recency import Recency
from topshelf.topk import unpack_history

# A session and two trainings before the first of them: a minute where nothing else runs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def lake(emulator: str) -> str:
    return new_lake(emulator, messy())


@pytest.fixture(scope="module")
def shared(context: SparkContext, lake: str, emulator: str) -> Trained:
    return on_spark(context, lake, emulator, FakeCheckpoints())


@pytest.fixture(scope="module")
def single(lake: str, emulator: str) -> Trained:
    return on_one_machine(lake, emulator)


def test_both_read_and_clean_the_same(shared: Trained, single: Trained) -> None:
    own = json.loads(shared.files["metrics.json"])["data"]
    other = json.loads(single.files["metrics.json"])["data"]
    assert own == other
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
