"""The report of the job on Spark, beside that of one machine; and what stops both."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pyspark import SparkContext

from tests.fakes.model_ports import FakeCheckpoints, FakeRegistry
from tests.integration.spark.trainings import (
    NDCG,
    NOW,
    Trained,
    messy,
    new_lake,
    on_one_machine,
    on_spark,
)
from tests.unit.test_training_job import PARAMETERS
from topshelf.errors import InvalidInputError
from training.study import StudyOptions
from training.study_findings import LABELS

# A session and four trainings.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BASELINES = ("item_cosine", "bm25", "ease")


@pytest.fixture(scope="module")
def lake(emulator: str) -> str:
    return new_lake(emulator, messy())


@pytest.fixture(scope="module")
def single(lake: str, emulator: str) -> Trained:
    return on_one_machine(lake, emulator)


@pytest.fixture(scope="module")
def shared(context: SparkContext, lake: str, emulator: str) -> Trained:
    return on_spark(context, lake, emulator, FakeCheckpoints())


@pytest.fixture(scope="module")
def sampled(context: SparkContext, lake: str, emulator: str, shared: Trained) -> Trained:
    """With room for few histories on the driver, and the other model as the last version."""
    few = replace(PARAMETERS, study=StudyOptions(seeds=1, sample_entries=800))
    return on_spark(
        context,
        lake,
        emulator,
        FakeCheckpoints(),
        parameters=few,
        registry=FakeRegistry(shared.manifest.version),
    )


def study_of(trained: Trained) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(trained.files["metrics.json"])["study"]
    return found


def test_the_simple_models_are_those_of_one_machine_where_all_histories_fit(
    shared: Trained, single: Trained
) -> None:
    for name in (*BASELINES, "popularity"):
        assert shared.manifest.metrics[name] == pytest.approx(single.manifest.metrics[name]), name
    assert study_of(shared)["validation"]["curve"] == study_of(single)["validation"]["curve"]


def test_a_report_names_the_models_and_what_is_absent(shared: Trained) -> None:
    page = shared.files["report.html"].decode()
    for name in ("als", "popularity", *BASELINES):
        assert LABELS[name] in page
    assert LABELS["als_sample"] not in page
    assert f"{shared.manifest.metrics['als'][NDCG]:.4f}" in page
    assert "on Spark one training is made of all data" in page
    assert study_of(shared)["seeds"] == {}


def test_what_was_fitted_on_a_sample_says_so_and_this_model_is_beside_it(
    sampled: Trained,
) -> None:
    page, notes = sampled.files["report.html"].decode(), study_of(sampled)["notes"]
    for name in ("als_sample", *BASELINES):
        assert "fitted on a sample of" in notes[name]
        assert f"of the {sampled.manifest.n_users:,} viewers" in notes[name]
        assert name in sampled.manifest.metrics
    assert "The simple models were fitted on a sample of the viewers" in page
    assert sampled.manifest.metrics["als_sample"] != sampled.manifest.metrics["als"]


def test_the_last_version_is_asked_and_what_is_not_known_of_it_is_told(sampled: Trained) -> None:
    assert sampled.manifest.metrics["parent"][NDCG] > 0
    assert "it may have been taught the answers" in study_of(sampled)["notes"]["parent"]


def test_the_number_of_shares_changes_no_figure_of_the_simple_models(
    shared: Trained, context: SparkContext, lake: str, emulator: str
) -> None:
    other = on_spark(context, lake, emulator, FakeCheckpoints(), parts=5)
    for name in ("popularity", *BASELINES):
        assert other.manifest.metrics[name] == pytest.approx(shared.manifest.metrics[name]), name
    assert other.manifest.metrics["als"][NDCG] == pytest.approx(
        shared.manifest.metrics["als"][NDCG], abs=0.02
    )


def broken(kind: str) -> list[Any]:
    events = messy()
    match kind:
        case "a clock ahead":
            ahead = int((NOW + timedelta(days=9)).timestamp() * 1000)
            return [*(replace(event, timestamp=ahead) for event in events[:400]), *events[400:]]
        case "one session for all":
            return [
                replace(event, session_id="tv") if event.user_id and not event.session_id else event
                for event in events
            ]
        case "one instant":
            at = events[0].timestamp
            return [*(replace(event, timestamp=at) for event in events[:900]), *events[900:]]
        case _:
            return [event for event in events for _ in range(2)]


@pytest.mark.parametrize("kind", ["a clock ahead", "one session for all", "one instant", "twice"])
def test_broken_data_stops_both_jobs_with_the_same_text(
    kind: str, context: SparkContext, emulator: str
) -> None:
    lake = new_lake(emulator, broken(kind))
    with pytest.raises(InvalidInputError, match="nothing was trained") as one:
        on_one_machine(lake, emulator)
    with pytest.raises(InvalidInputError, match="nothing was trained") as other:
        on_spark(context, lake, emulator, FakeCheckpoints())
    assert str(other.value) == str(one.value)
