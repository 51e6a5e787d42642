"""The report as the training job writes it."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.fakes.model_ports import FakeCheckpoints, FakeFactorStore, FakeRegistry
from tests.unit.test_publish import lists_of
from tests.unit.test_training_job import PARAMETERS, lake_of, viewing
from topshelf.catalog import Movie, encode_movies
from topshelf.events import DEFAULT_POLICY
from topshelf.gate import judge
from topshelf.manifest import Manifest
from training.job import train
from training.judging import NDCG
from training.parameters import TrainingParameters
from training.stages import Reranking
from training.study import StudyOptions

OLD = "20260101T000000Z-00000000"


class Told:
    """One training; tells what it wrote."""

    def __init__(
        self,
        store: FakeFactorStore | None = None,
        champion: str | None = None,
        parameters: TrainingParameters = PARAMETERS,
    ) -> None:
        self.store = store or FakeFactorStore()
        self.manifest: Manifest = train(
            lake=lake_of(viewing()),
            artefacts=self.store,
            registry=FakeRegistry(champion),
            checkpoints=FakeCheckpoints(),
            policy=DEFAULT_POLICY,
            parameters=parameters,
            git_commit="abc",
            clock=lambda: datetime(2026, 2, 1, 12, tzinfo=UTC),
            progress=lambda *step: None,
        )
        files = self.store.of(self.manifest.version)
        self.page = files["report.html"].decode()
        self.figures = json.loads(files["metrics.json"])


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


def test_the_artefact_has_a_report_and_its_figures(told: Told) -> None:
    assert told.page.startswith("<!DOCTYPE html>")
    assert f"{told.manifest.metrics['als'][NDCG]:.4f}" in told.page
    study = told.figures["study"]
    assert set(study["deciles"]) == {"als", "popularity", "item_cosine", "bm25", "ease"}
    assert len(study["seeds"][NDCG]["values"]) == 3
    assert study["seeds"][NDCG]["values"][0] == told.manifest.metrics["als"][NDCG]
    assert [point[0] for point in study["validation"]["curve"]] == [1, 2, 3, 4]
    assert study["notes"] == {}
    assert study["diversity_of"] == "factors"


def test_the_gate_reads_the_metrics_as_before(told: Told) -> None:
    verdict = judge(told.manifest.metrics, told.manifest.metrics, 0.1)
    assert verdict.refusal == ""
    assert set(verdict.figures) == {"ndcg_at_10", "popularity_ndcg_at_10", "champion_ndcg_at_10"}


def test_a_champion_that_is_not_there_is_said_not_to_be() -> None:
    lost = Told(champion=OLD)
    assert "last version: its artefact is not there any more." in lost.page
    assert "parent" not in lost.manifest.metrics


def test_the_last_version_answers_the_same_questions(told: Told) -> None:
    again = Told(told.store, told.manifest.version)
    metrics = again.manifest.metrics
    assert metrics["als"] == told.manifest.metrics["als"]
    # The same data taught it what the test asks for, and the page says so.
    assert metrics["parent"][NDCG] > metrics["als"][NDCG]
    assert "100% of what the test asks for is not newer than what it was trained on" in again.page
    assert "It may have been taught the answers: see the note on it." in again.page
    assert list(again.figures["study"]["notes"]) == ["parent"]


def test_genres_of_the_catalogue_tell_diversity(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lake_of(viewing())
    names = sorted({event.item_id for event in viewing()})
    movies = [Movie(item_id=n, title=n, genres=(f"g{int(n[1:]) % 2}",)) for n in names]
    monkeypatch.setattr(type(lake), "catalogue", lambda _: gzip.compress(encode_movies(movies)))
    found = Told().figures["study"]
    assert found["diversity_of"] == "genres"
    stages = [one["reranking"] for one in found["validation"]["stages"]]
    assert {"ease": 0.0, "diversity": 0.0, "calibration": 0.1} in stages


def test_one_seed_and_a_stage_by_parameters() -> None:
    parameters = replace(
        PARAMETERS, study=StudyOptions(seeds=1), reranking=Reranking(diversity=0.5)
    )
    found = Told(parameters=parameters)
    assert "How much is chance" not in found.page
    assert "On in this model: diversity 0.5." in found.page
    assert found.manifest.parameters["reranking"]["diversity"] == 0.5
    assert found.manifest.parameters["study"]["seeds"] == 1


def test_parts_are_left_out_where_the_study_asks_for_it(told: Told) -> None:
    assert told.figures["study"]["ablations"] == []
    found = Told(parameters=replace(PARAMETERS, study=StudyOptions(seeds=1, ablations=True)))
    names = [one["name"] for one in found.figures["study"]["ablations"]]
    assert names[0] == "recency"
    assert all(name in found.page for name in names)


def test_a_stage_that_is_on_is_in_the_lists(told: Told) -> None:
    mixed = Told(parameters=replace(PARAMETERS, reranking=Reranking(diversity=0.5)))
    plain, other = (
        lists_of(one.store.of(one.manifest.version))["u/007"].item_ids() for one in (told, mixed)
    )
    assert plain != other
    assert sorted(plain) == sorted(other)
