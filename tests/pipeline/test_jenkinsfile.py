"""The Jenkinsfile itself: its stages, what they run, and what each of them is bounded by."""

import re

import pytest

from infra.pipeline.declarative.check import faults_in
from tests.conftest import ROOT
from tests.pipeline.plan import Step, between, pipeline, shells, steps_of

STAGES = [
    "Set-up",
    "Check",
    "Unit and contract tests",
    "Build",
    "Package tests",
    "Stack tests",
    "Image build",
    "Deploy to staging",
    "Smoke",
    "Load test",
    "Canary",
    "Promote or roll back",
    "Notify",
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
STEPS = steps_of(pipeline())


def test_it_keeps_to_the_grammar() -> None:
    assert faults_in((ROOT / "Jenkinsfile").read_bytes()) == []


def test_its_stages_are_those_that_a_release_needs_in_order() -> None:
    assert [step.name for step in STEPS] == STAGES


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_stage_is_one_make_target_within_a_time(step: Step) -> None:
    (words,) = step.words
    assert words[0] == "make"
    assert words[1] in TARGETS, f"the Makefile has no target {words[1]}"
    # Beside the target, nothing but which stage it is.
    assert all(word.startswith("STAGE=") for word in words[2:])
    assert "timeout" in step.options


def test_nothing_but_make_runs_after_the_stages() -> None:
    everywhere = list(shells(pipeline()))
    assert len(everywhere) == len(STAGES) + 1
    assert everywhere[-1] == "make notify"


def test_what_is_independent_runs_at_once() -> None:
    beside = [
        [stage.label for stage in each.block or ()]
        for each in pipeline().walk()
        if each.name == "parallel"
    ]
    # The tests of the build follow each other: both build anew, in the same place.
    assert beside == [STAGES[1:4], ["Tests of the build", "Image build"]]


def test_secrets_are_named_by_id_and_never_there() -> None:
    text = (ROOT / "Jenkinsfile").read_text()
    bound = [each for each in pipeline().walk() if each.name == "withCredentials"]
    ids = set(re.findall(r"(\w+)\(credentialsId: '([a-z-]+)'", text))
    assert ids == {
        ("aws", "topshelf-staging"),
        ("aws", "topshelf-production"),
        ("aws", "topshelf-notices"),
        ("string", "topshelf-notice-topic"),
    }
    assert len(bound) == 7
    assert not re.search(r"AKIA|ASIA|arn:aws|password", text)
    # Staging's credentials never reach production, nor the other way round.
    for each in bound:
        source = each.arguments[0]
        for command in shells(each):
            stage = re.search(r"STAGE=(\w+)", command)
            assert stage is None or f"topshelf-{stage[1]}" in source


def test_nothing_of_another_branch_is_deployed() -> None:
    outer = {"Staging", "Production", "Notify"}
    guarded = {
        each.label
        for each in pipeline().walk()
        if each.name == "stage"
        and any(
            w.name == "when" and w.block and w.block[0].label == "main" for w in each.block or ()
        )
    }
    assert guarded == outer


def test_builds_are_discarded_and_reports_are_kept() -> None:
    names = {each.name for each in pipeline().walk()}
    assert {"buildDiscarder", "junit", "recordCoverage", "archiveArtifacts", "retry"} <= names


def test_a_part_of_the_stages_is_named_by_its_ends() -> None:
    part = between(STEPS, "Smoke", "Canary")
    assert [step.name for step in part] == ["Smoke", "Load test", "Canary"]
    assert between(STEPS, "", "") == STEPS
    with pytest.raises(AssertionError, match="no stage 'Lunch'; it has Set-up"):
        between(STEPS, "Lunch", "")
