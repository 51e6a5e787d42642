"""The gate: who passes, who does not, and what is kept of it."""

import json
from typing import Any

import pytest

from tests.unit.test_release import NDCG, V1, V2, World, live_version
from topshelf.errors import ConflictError, GateError, InvalidInputError, NotFoundError
from topshelf.gate import judge


def metrics(als: float, popularity: float) -> dict[str, dict[str, float]]:
    return {"als": {NDCG: als}, "popularity": {NDCG: popularity}}


@pytest.mark.parametrize(
    ("own", "popularity", "live", "passes"),
    [
        (0.12, 0.08, None, True),
        (0.08, 0.08, None, True),
        (0.0799, 0.08, None, False),
        # A tenth below 0.2 is 0.18, which is still let pass.
        (0.18, 0.08, 0.2, True),
        (0.1799, 0.08, 0.2, False),
        (0.3, 0.08, 0.2, True),
        # 0.1 * 0.9 is 0.09000000000000001 in floating point: the limit itself passes all the same.
        (0.09, 0.08, 0.1, True),
        # Better than the live model, and still worse than no model at all.
        (0.3, 0.31, 0.2, False),
        (0.05, 0.0, 0.0, True),
        (0.0, 0.0, None, True),
    ],
)
def test_the_limits(own: float, popularity: float, live: float | None, passes: bool) -> None:
    champion = None if live is None else metrics(live, 0.9)
    assert (judge(metrics(own, popularity), champion, 0.1).refusal == "") is passes


@pytest.mark.parametrize(("tolerance", "passes"), [(0.0, False), (0.4, False), (0.5, True)])
def test_the_tolerance_is_a_fraction_of_the_live_models_figure(
    tolerance: float, passes: bool
) -> None:
    verdict = judge(metrics(0.1, 0.05), metrics(0.2, 0.05), tolerance)
    assert (verdict.refusal == "") is passes


def test_a_refusal_tells_the_figures() -> None:
    verdict = judge(metrics(0.15, 0.1), metrics(0.2, 0.1), 0.1)
    assert verdict.refusal == (
        "its NDCG@10 of 0.1500 is 25.0% below the live model's 0.2000; 10.0% are tolerated"
    )
    assert verdict.figures == {
        "ndcg_at_10": "0.150000",
        "popularity_ndcg_at_10": "0.100000",
        "champion_ndcg_at_10": "0.200000",
    }


@pytest.mark.parametrize("told", [{}, {"als": {NDCG: 0.2}}, {"popularity": {NDCG: 0.1}}])
def test_a_model_that_was_never_measured_does_not_pass(told: Any) -> None:
    verdict = judge(told, None, 0.1)
    assert "tells no NDCG@10" in verdict.refusal


def test_a_live_model_that_was_never_measured_is_no_measure() -> None:
    verdict = judge(metrics(0.2, 0.1), {}, 0.1)
    assert (verdict.refusal, "champion_ndcg_at_10" in verdict.figures) == ("", False)


@pytest.fixture
def world() -> World:
    """A model that is live, and one that is a quarter worse."""
    made = World()
    made.go_live(V1)
    manifest = json.loads(made.artefacts.files[V2, "manifest.json"])
    manifest["metrics"]["als"][NDCG] = 0.15
    made.artefacts.files[V2, "manifest.json"] = json.dumps(manifest).encode()
    made.release.run("verify", V2)
    return made


def test_what_is_rejected_is_on_record_and_goes_no_further(world: World) -> None:
    with pytest.raises(GateError, match=r"25\.0% below.*--force"):
        world.release.run("gate", V2)
    known = world.registry.describe(V2)
    assert (known["gate"], known["ndcg_at_10"]) == ("rejected", "0.150000")
    assert known["status"] == "verified"
    for step in ("import", "flip"):
        with pytest.raises(ConflictError):
            world.release.run(step, V2)
    assert world.imports.started == [V1]
    assert live_version(world) == V1


def test_who_insists_is_on_record_too(world: World) -> None:
    assert world.release.run("gate", V2, force=True) == {"status": "forced"}
    known = world.registry.describe(V2)
    assert (known["gate"], known["champion_ndcg_at_10"]) == ("forced", "0.200000")
    assert "25.0% below" in known["gate_refusal"]
    for step in ("import", "check", "flip"):
        world.release.run(step, V2)
    assert live_version(world) == V2


def test_what_is_rejected_after_its_import_does_not_go_live(world: World) -> None:
    world.release.run("gate", V2, force=True)
    for step in ("import", "check"):
        world.release.run(step, V2)
    with pytest.raises(GateError):
        world.release.run("gate", V2)
    with pytest.raises(ConflictError, match="not passed the gate"):
        world.release.run("flip", V2)
    assert live_version(world) == V1


def test_force_makes_nothing_of_a_model_that_passes(world: World) -> None:
    assert world.release.run("gate", V1, force=True) == {"status": "passed"}
    assert world.registry.describe(V1)["gate_refusal"] == ""


def test_a_rollback_asks_no_gate(world: World) -> None:
    world.release.run("gate", V2, force=True)
    for step in ("import", "check", "flip"):
        world.release.run(step, V2)
    world.registry.record(V1, "imported", {"gate": "rejected"})
    assert world.release.run("rollback", "")["version"] == V1


def test_a_training_is_found_by_its_name(world: World) -> None:
    world.registry.record_run("nightly_2026-01-02", V2)
    assert world.release.trained("nightly_2026-01-02") == V2
    with pytest.raises(NotFoundError, match="no training nightly-7 is on record") as refused:
        world.release.trained("nightly-7")
    assert refused.value.field == "run"


@pytest.mark.parametrize("run", ["", "a b", "a/b", "a\n", "é", "x" * 81, "slot#champion"])
def test_what_cannot_name_a_training_is_refused(world: World, run: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        world.release.trained(run)
    assert refused.value.field == "run"
