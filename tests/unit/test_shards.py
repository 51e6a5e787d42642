"""A training whose lists several machines make is that of one machine, byte for byte."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.model_ports import FakeFactorStore, FakeRegistry
from tests.fakes.shards import FakeShards
from tests.unit.test_publish import AT, ITEMS, MODEL, USERS
from topshelf.damping import Damping
from topshelf.errors import ConflictError, IntegrityError, InvalidInputError, NotFoundError
from topshelf.manifest import MANIFEST_NAME
from topshelf.recency import Recency
from topshelf.rerank import Calibration, Diversity, ItemModel
from topshelf.weighing import Weighing
from training import publish as publishing
from training.exposures import Exposures
from training.fan_out import FanOut
from training.publish import TrainedModel, publish
from training.shard_plan import work_of

RUN = "night-1"


def everything() -> TrainedModel:
    """A model with all that lists may depend on."""
    rng = np.random.default_rng(5)
    shown = 12
    exposures = Exposures(
        np.arange(USERS + 1) * shown,
        np.tile(np.repeat(np.arange(4, dtype=np.int32), 3), USERS),
        np.zeros(USERS * shown, dtype=np.int32),
        least=3,
        confidence=2.0,
    )
    place_of = np.where(np.arange(ITEMS) < 20, np.arange(ITEMS), -1)
    stages = (
        ItemModel(rng.normal(size=(20, 20)).astype(np.float32), place_of, 0.5),
        Diversity(MODEL.factors.items, 0.7),
        Calibration((rng.random((ITEMS, 5)) < 0.4).astype(np.float32), 0.2),
    )
    weighing = Weighing(
        recency=Recency(half_life=3.0, gain=1.5),
        damping=Damping(items=0.2, users=0.3, usual_history=20.0),
        item_strengths=rng.uniform(0.5, 1.0, ITEMS).astype(np.float32),
    )
    data = replace(MODEL.data, exposures=exposures, leniencies=rng.normal(size=USERS))
    return replace(MODEL, data=data, stages=stages, weighing=weighing, report=b"<html>")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_LISTS_A_PART", 16)


class Night:
    """One training in steps."""

    def __init__(self, model: TrainedModel = MODEL, shards: int = 2) -> None:
        self.handed = FakeShards()
        self.artefacts = FakeFactorStore()
        self.registry = FakeRegistry()
        self.model = model
        self.steps = FanOut(self.handed, RUN, shards)

    def fit(self) -> None:
        self.steps.fitted(self.registry)(self.model, self.artefacts, AT, quiet)

    def lists(self, *shards: int) -> None:
        for shard in shards:
            self.steps.make_lists(shard, quiet)

    def finish(self) -> str:
        return self.steps.finish(self.artefacts, self.registry, quiet)


def quiet(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def whole(model: TrainedModel) -> dict[tuple[str, str], bytes]:
    store = FakeFactorStore()
    publish(model, store, AT, quiet)
    return store.files


@pytest.mark.parametrize("shards", [1, 2, 3, 9])
def test_the_artefact_is_that_of_one_machine(shards: int) -> None:
    night = Night(everything(), shards)
    night.fit()
    assert night.artefacts.files == {}
    # In whatever order, on whatever machine: what was handed out is all that they know.
    night.lists(*reversed(range(shards)))
    said = night.finish()
    expected = whole(everything())
    assert night.artefacts.files == expected
    assert list(night.artefacts.files)[-1] == list(expected)[-1]
    ((version, _), *_) = expected
    assert said == f"version: {version}"
    assert night.registry.version_of_run(RUN) == version
    assert night.handed.files == {}


def test_a_plain_model_is_that_of_one_machine_too() -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    night.finish()
    assert night.artefacts.files == whole(MODEL)


def test_shards_have_whole_parts_and_all_of_them() -> None:
    # 70 viewers are 5 parts of 16: 1, 2 and 2 of them.
    works = [work_of(shard, 3, 16, 70) for shard in range(3)]
    assert [(w.first_part, w.start, w.stop) for w in works] == [
        (0, 0, 16),
        (1, 16, 48),
        (3, 48, 70),
    ]


def test_a_shard_may_be_made_again() -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    before = dict(night.handed.files)
    night.lists(1, 0)
    assert night.handed.files == before


def test_nothing_that_is_handed_on_is_a_pickle() -> None:
    night = Night(everything())
    night.fit()
    night.lists(0, 1)
    kinds = {name.rpartition(".")[2] for name in night.handed.files}
    assert kinds == {"npy", "json", "jsonl", "gz", "html"}


class KilledError(Exception):
    """The machine is gone."""


def test_a_finish_that_died_before_the_manifest_leads_to_the_same_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    write = FakeFactorStore.write

    def dying(self: FakeFactorStore, version: str, name: str, content: bytes) -> None:
        if len(self.files) == 4:
            raise KilledError
        write(self, version, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(FakeFactorStore, "write", dying)
        with pytest.raises(KilledError):
            night.finish()
    assert night.registry.version_of_run(RUN) is None
    night.finish()
    assert night.artefacts.files == whole(MODEL)


@pytest.mark.parametrize("step", ["record_run", "clear"])
def test_a_finish_that_died_after_the_manifest_makes_no_second_model(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)

    def dying(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(night.registry if step == "record_run" else night.handed, step, dying)
        with pytest.raises(KilledError):
            night.finish()
    night.finish()
    assert [name for _, name in night.artefacts.files].count(MANIFEST_NAME) == 1
    assert night.registry.version_of_run(RUN)
    assert night.handed.files == {}


def test_another_model_of_the_same_content_and_second_is_left_alone() -> None:
    night = Night(replace(MODEL, git_commit="another"))
    first = publish(MODEL, night.artefacts, AT, quiet)
    before = dict(night.artefacts.files)
    night.fit()
    night.lists(0, 1)
    version = night.finish().removeprefix("version: ")
    assert version[-8:] == first.version[-8:]
    assert version > first.version
    assert before.items() <= night.artefacts.files.items()


def test_without_a_plan_the_message_says_which_step_is_missing() -> None:
    night = Night()
    for step in (lambda: night.lists(0), night.finish):
        with pytest.raises(NotFoundError, match=r"shards/night-1/plan\.json.*TOPSHELF_STEP=fit"):
            step()


def test_without_a_shards_lists_nothing_is_written() -> None:
    night = Night()
    night.fit()
    night.lists(0)
    with pytest.raises(NotFoundError, match=r"shards/night-1/shard-00001/made\.json"):
        night.finish()
    assert night.artefacts.files == {}


def test_a_plan_is_for_its_own_number_of_shards() -> None:
    night = Night()
    night.fit()
    night.steps = replace(night.steps, shards=3)
    with pytest.raises(InvalidInputError, match="3, and the plan of night-1 is for 2"):
        night.lists(0)


def test_a_shard_past_the_last_is_refused() -> None:
    night = Night()
    night.fit()
    with pytest.raises(InvalidInputError, match=r"TOPSHELF_SHARD.*2 is none of 0\.\.1"):
        night.lists(2)


def test_the_plan_of_another_run_is_refused() -> None:
    night = Night()
    night.fit()
    night.steps = replace(night.steps, run="night-2")
    with pytest.raises(IntegrityError, match="the plan of night-2 is that of night-1"):
        night.lists(0)


def test_lists_of_another_plan_are_refused() -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    stale = {name: c for name, c in night.handed.files.items() if name.startswith("shard-00001/")}
    night.steps.fitted(night.registry)(MODEL, night.artefacts, AT + timedelta(hours=1), quiet)
    night.lists(0)
    night.handed.files |= stale
    with pytest.raises(IntegrityError, match=r"shard-00001/made\.json follows another plan"):
        night.finish()


@pytest.mark.parametrize(
    "name", ["gram.npy", "shard-00000/rows.npy", "files/item_factors.npy", "head.jsonl"]
)
def test_an_input_that_is_not_the_plans_is_refused(name: str) -> None:
    night = Night()
    night.fit()
    night.handed.files[name] += b"x"
    with pytest.raises(IntegrityError, match=f"{name} is not what the plan says"):
        night.lists(0)
    del night.handed.files[name]
    with pytest.raises(IntegrityError, match=f"{name} is missing"):
        night.lists(0)


@pytest.mark.parametrize("name", ["topk/part-00004.json.gz", "tastes-00004.npy"])
def test_lists_that_were_changed_are_refused(name: str) -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    night.handed.files[f"shard-00001/{name}"] = b"something else"
    with pytest.raises(IntegrityError, match=f"{name} is not what"):
        night.finish()


def test_damaged_json_is_told() -> None:
    night = Night()
    night.fit()
    night.lists(0, 1)
    night.handed.files["shard-00000/made.json"] = b"{}"
    with pytest.raises(IntegrityError, match=r"shard-00000/made\.json is damaged"):
        night.finish()
    night.handed.files["plan.json"] = b"{}"
    with pytest.raises(IntegrityError, match="the plan of night-1 is damaged"):
        night.finish()


def test_a_name_that_has_made_a_model_is_taken() -> None:
    night = Night()
    night.registry.record_run(RUN, "20260101T000000Z-00000000")
    with pytest.raises(ConflictError, match="has made 20260101T000000Z-00000000"):
        night.fit()


def test_a_stage_of_ones_own_cannot_be_handed_on() -> None:
    class Own:
        def order(self, *_: object) -> None: ...

    night = Night(replace(MODEL, stages=(Own(),)))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="Own is no stage for shards"):
        night.fit()
