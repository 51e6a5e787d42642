import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.fakes.model_ports import (
    FakeCheckpoints,
    FakeFactorStore,
    FakeLake,
    FakeRegistry,
    FakeTopKStore,
)
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction, encode_line
from topshelf.features import ConfidenceWeights
from topshelf.manifest import MANIFEST_NAME, Manifest, parse_manifest
from topshelf.refresh import ListRefresh
from topshelf.topk import TopKList
from training import job
from training.als import USUAL_SHRINKAGE, ALSParameters
from training.job import train
from training.parameters import TrainingParameters
from training.publish import Write, publish

AT = 1_767_225_600_000
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
PARAMETERS = TrainingParameters(
    als=ALSParameters(factors=8, iterations=4), confidence=ConfidenceWeights(alpha=2.0)
)


def viewing(seed: int = 0, users: int = 60, items: int = 130) -> list[Interaction]:
    """Two tastes: a viewer watches 25 titles of an own half of the catalogue."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(users):
        half = np.arange(user % 2, items, 2)
        weights = 1.0 / np.arange(1, len(half) + 1)
        chosen = rng.choice(half, size=25, replace=False, p=weights / weights.sum())
        events += [
            Interaction(
                item_id=f"m{item:03d}",
                event_type="watch",
                timestamp=AT + int(rng.integers(10**9)),
                user_id=f"u/{user:03d}",
                event_value=round(float(rng.random()), 2),
            )
            for item in chosen
        ]
    return events


def lake_of(events: list[Interaction]) -> FakeLake:
    lake = FakeLake()
    for part in range(3):
        lines = b"".join(map(encode_line, events[part::3]))
        lake.events[f"events/dt=2026-01-0{part + 1}/a.jsonl.gz"] = gzip.compress(lines)
    return lake


class Run:
    def __init__(
        self,
        lake: FakeLake,
        registry: FakeRegistry | None = None,
        checkpoints: FakeCheckpoints | None = None,
        parameters: TrainingParameters = PARAMETERS,
        write: Write = publish,
    ) -> None:
        self.store = FakeFactorStore()
        self.told: list[tuple[str, int, int]] = []
        self.manifest: Manifest = train(
            lake=lake,
            artefacts=self.store,
            registry=registry or FakeRegistry(),
            checkpoints=checkpoints or FakeCheckpoints(),
            policy=DEFAULT_POLICY,
            parameters=parameters,
            write=write,
            git_commit="abc",
            clock=lambda: NOW,
            progress=lambda *step: self.told.append(step),
        )
        self.files = self.store.of(self.manifest.version)


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(lake_of(viewing()))


def test_the_manifest_tells_where_the_model_comes_from(run: Run) -> None:
    manifest = run.manifest
    assert manifest.version.startswith("20260201T120000Z-")
    assert parse_manifest(run.files[MANIFEST_NAME], manifest.version) == manifest
    assert list(run.store.files)[-1] == (manifest.version, MANIFEST_NAME)
    assert manifest.data.taken_at == int(NOW.timestamp() * 1000)
    assert manifest.data.newest_event == max(e.timestamp for e in viewing())
    assert len(manifest.data.objects) == 3
    assert (manifest.git_commit, manifest.seed, manifest.parent_version) == ("abc", 42, None)
    assert manifest.parameters["als"]["factors"] == 8
    assert manifest.parameters["als"]["regularization"] > 0
    assert manifest.parameters["confidence"]["alpha"] == 2.0
    assert manifest.metrics["als"]["normalized_discounted_cumulative_gain_at_10"] > 0
    models = {"als", "popularity", "item_cosine", "bm25", "ease"}
    assert set(manifest.metrics) == {*models, "als_to_popularity"}


def test_the_champion_is_the_parent() -> None:
    champion = "20260101T000000Z-00000000"
    found = Run(lake_of(viewing()), FakeRegistry(champion)).manifest
    assert found.parent_version == champion


def test_the_same_events_give_the_same_bytes_whatever_their_order(run: Run) -> None:
    again = Run(lake_of(viewing()[::-1]))
    assert again.manifest.files == run.manifest.files
    assert again.manifest.version == run.manifest.version
    for name in run.files.keys() - {MANIFEST_NAME}:
        assert again.files[name] == run.files[name], name


def test_a_killed_job_continues_and_writes_the_same_files(run: Run) -> None:
    class KilledError(Exception):
        pass

    def killed(*_: object) -> Manifest:
        raise KilledError

    kept = FakeCheckpoints()
    with pytest.raises(KilledError):
        Run(lake_of(viewing()), checkpoints=kept, write=killed)
    assert len(kept.kept) == 2
    again = Run(lake_of(viewing()), checkpoints=kept)
    fitted = [step for step in again.told if step[0] in {"evaluate", "fit"}]
    assert fitted == [("evaluate", 4, 4), ("fit", 4, 4)]
    assert again.manifest.version == run.manifest.version
    assert kept.kept == {}


def test_stages_are_told_to_their_end(run: Run) -> None:
    ends = [stage for stage, done, total in run.told if done == total]
    assert ends == ["read", "check", "choose", "evaluate", "compare", "fit", "lists", "upload"]


def test_a_shrinkage_that_is_given_is_not_chosen(run: Run) -> None:
    assert run.manifest.parameters["als"]["shrinkage"] == USUAL_SHRINKAGE
    assert json.loads(run.files["metrics.json"])["study"]["shrinkage"]["users"] == 0
    given = replace(PARAMETERS, als=replace(PARAMETERS.als, shrinkage=0.7))
    other = Run(lake_of(viewing()), parameters=given)
    assert "choose" not in {stage for stage, _, _ in other.told}
    assert other.manifest.parameters["als"]["shrinkage"] == 0.7
    assert json.loads(other.files["metrics.json"])["study"]["shrinkage"] is None


def test_metrics_and_counts_are_a_file(run: Run) -> None:
    found = json.loads(run.files["metrics.json"])
    assert found["data"]["lines"] == found["data"]["events"] == 1500
    assert found["als"] == run.manifest.metrics["als"]


def test_a_refresh_agrees_with_the_training(run: Run) -> None:
    """Training that knows an event, and a refresh that adds it, fold in the same history."""
    from tests.unit.test_publish import lists_of

    lists = FakeTopKStore()
    registry = FakeRegistry(run.manifest.version)
    for user_id, ready in lists_of(run.files).items():
        lists.lists[run.manifest.version, user_id] = ready
    refresh = ListRefresh(lists=lists, artefacts=run.store, registry=registry)
    model = refresh.live_model()
    assert model is not None
    key = run.manifest.version, "u/007"
    before: TopKList = lists.lists[key]
    # The strongest watch of a title already watched with less: nothing but "source" may change
    # where the event is known; the known events are fed back one by one.
    own = [e for e in viewing() if e.user_id == "u/007"]
    assert refresh.refresh(model, "u/007", own) == "unchanged"
    news = Interaction(
        item_id=before.item_ids()[0], event_type="view", timestamp=AT, user_id="u/007"
    )
    assert refresh.refresh(model, "u/007", [news]) == "refreshed"
    after = lists.lists[key]
    assert before.item_ids()[0] not in after.item_ids()
    # One more weak event moves the list a little, not altogether.
    assert len(set(after.item_ids()[:10]) & set(before.item_ids()[:11])) >= 6


def test_bad_lines_stop_nothing() -> None:
    lake = lake_of(viewing())
    lake.events["events/dt=2026-01-04/bad.jsonl.gz"] = gzip.compress(b"{\nnull\n")
    found = Run(lake)
    assert json.loads(found.files["metrics.json"])["data"]["quarantined"] == 2
    assert list(lake.quarantined) == ["dt=2026-01-04/bad.jsonl.gz"]


def test_too_little_data_is_refused_before_any_fit() -> None:
    with pytest.raises(InvalidInputError, match="training needs at least"):
        Run(lake_of(viewing(users=10)))


def test_main_tells_what_settings_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TOPSHELF_BUCKET", raising=False)
    assert job.main() == 1
    assert "TOPSHELF_BUCKET" in capsys.readouterr().err


@pytest.fixture
def registry(run: Run, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    """What the job writes to, where the training itself is done already."""
    made = FakeRegistry()
    monkeypatch.setenv("TOPSHELF_BUCKET", "lake")
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", "registry")
    monkeypatch.setattr(job, "create_client", lambda *_, **__: None)
    monkeypatch.setattr(job, "RegistryTable", lambda *_, **__: made)
    monkeypatch.setattr(job, "train", lambda **_: run.manifest)
    return made


def test_a_training_with_a_name_is_found_by_it(
    run: Run, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPSHELF_RUN", "nightly-7")
    assert job.main() == 0
    assert registry.version_of_run("nightly-7") == run.manifest.version


def test_a_training_without_a_name_leaves_none(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOPSHELF_RUN", raising=False)
    assert job.main() == 0
    assert registry.runs == {}


def test_a_name_that_is_none_is_told_before_anything_is_trained(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOPSHELF_RUN", "a/b")
    monkeypatch.setattr(job, "train", lambda **_: pytest.fail("it was trained"))
    assert job.main() == 1
    assert "'a/b' names no training" in capsys.readouterr().err
    assert registry.runs == {}


def test_a_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for done in range(4):
        job.print_stage("read", done, 3)
    assert capsys.readouterr().out == "read: 3\n"
