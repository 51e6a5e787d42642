"""The job of a lake whose events tell what else was shown: used where the parameters ask for it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.model_ports import FakeRegistry, FakeTopKStore
from tests.unit.test_publish import lists_of
from tests.unit.test_training_job import PARAMETERS, Run, lake_of, viewing
from topshelf.events import Interaction
from topshelf.ids import IdMap, ItemId, ItemRow
from topshelf.refresh import ListRefresh
from topshelf.topk import unpack_rows
from training.parameters import TrainingParameters
from training.study import StudyOptions

ON = replace(PARAMETERS, confidence=replace(PARAMETERS.confidence, unclicked=0.5))


def exposed() -> list[Interaction]:
    """With each watch, viewers u/000 to u/019 are shown two of ten titles of their own."""
    rng = np.random.default_rng(5)
    events = []
    for event in viewing():
        number = int((event.user_id or "").removeprefix("u/"))
        shown = rng.choice(10, size=2, replace=False) + number if number < 20 else np.zeros(0, int)
        events.append(replace(event, impression=tuple(f"m{item:03d}" for item in shown)))
    return events


def trained(parameters: TrainingParameters) -> Run:
    return Run(lake_of(exposed()), parameters=parameters)


@pytest.fixture(scope="module")
def on() -> Run:
    return trained(ON)


def test_lists_tell_what_their_viewers_were_shown_and_never_took(on: Run) -> None:
    taken = {(event.user_id, event.item_id) for event in exposed()}
    times = {
        (event.user_id, item, event.timestamp) for event in exposed() for item in event.impression
    }
    pairs = [(user, item) for user, item, _ in times]
    often = {pair for pair in pairs if pairs.count(pair) >= 3} - taken
    items = IdMap[ItemId, ItemRow].of(
        [ItemId(item) for item in sorted({event.item_id for event in exposed()})]
    )
    told = {
        (user, items.ids[row])
        for user, ready in lists_of(on.files).items()
        for row in unpack_rows(ready.unclicked or b"")
    }
    assert told == {(user, item) for user, item in often if item in items.ids}
    assert len(told) > 100


def test_a_refresh_of_what_the_training_knew_changes_nothing(on: Run) -> None:
    version, lists = on.manifest.version, FakeTopKStore()
    for user_id, ready in lists_of(on.files).items():
        lists.lists[version, user_id] = ready
    refresh = ListRefresh(lists=lists, artefacts=on.store, registry=FakeRegistry(version))
    model = refresh.live_model()
    assert model is not None
    before = lists.lists[version, "u/007"]
    own = [event for event in exposed() if event.user_id == "u/007"]
    assert refresh.refresh(model, "u/007", own) == "unchanged"
    best = before.item_ids()[0]
    news = replace(own[0], item_id=best, event_type="view", event_value=None)
    assert refresh.refresh(model, "u/007", [news]) == "refreshed"
    after = lists.lists[version, "u/007"]
    assert after.unclicked == before.unclicked
    assert set(after.item_ids()[:10]) >= set(before.item_ids()[1:6])


def test_where_nobody_asks_for_it_nothing_is_made_of_it(on: Run) -> None:
    plain, bare = trained(PARAMETERS), Run(lake_of(viewing()))
    assert plain.files["item_factors.npy"] == bare.files["item_factors.npy"]
    assert plain.files["item_factors.npy"] != on.files["item_factors.npy"]
    assert lists_of(plain.files) == lists_of(bare.files)


def test_its_worth_is_told_where_it_is_off() -> None:
    asked = replace(PARAMETERS, study=StudyOptions(seeds=1, ablations=True))
    assert "+ exposures without a click" in trained(asked).files["report.html"].decode()
