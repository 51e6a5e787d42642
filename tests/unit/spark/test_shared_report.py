"""A report whose simple models were fitted on a sample of the viewers compares like with like."""

from dataclasses import replace

from tests.unit.test_report import FINDINGS, judged, text
from training.study_findings import ALS_SAMPLE, metrics_of

SAMPLED = replace(
    FINDINGS,
    models={
        "als": judged(0.3),
        ALS_SAMPLE: judged(0.27),
        "popularity": judged(0.26),
        "ease": judged(0.24),
    },
)


def test_the_simple_models_are_compared_with_this_model_on_the_same_sample() -> None:
    # 0.27 / 0.24 = 1.125, where all viewers' 0.3 would look like 25%.
    told = text(SAMPLED)
    assert "on it, this model has 0.2700" in told
    assert "12.5% above the best of the simple models, EASE, with 0.2400" in told
    assert "25.0%" not in told


def test_the_sample_has_a_row_and_a_bar_of_its_own() -> None:
    assert text(SAMPLED).count("this model, on a sample") >= 2


def test_without_a_sample_nothing_is_said_of_one() -> None:
    told = text(FINDINGS)
    assert "sample of the viewers" not in told
    assert "25.0% above the best of the simple models, EASE, with 0.2400" in told


def test_metrics_are_of_every_model() -> None:
    assert metrics_of(SAMPLED).keys() == {*SAMPLED.models, "als_to_popularity"}
