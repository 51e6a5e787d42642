import io
import json
from dataclasses import asdict
from datetime import date
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes.model_ports import FakeFactorStore, FakeRegistry, FakeTopKStore
from topshelf import refresh as refreshing
from topshelf.damping import Damping
from topshelf.errors import ConflictError, IntegrityError
from topshelf.events import Interaction
from topshelf.factors import Regularization, explain, fold_in, gram_matrix
from topshelf.history import bound_history
from topshelf.ids import IdMap, ItemId, ItemRow
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, Manifest
from topshelf.recency import Recency
from topshelf.refresh import ListRefresh, LiveModel
from topshelf.topk import TopKList, pack_history, unpack_history, unpack_rows, unpack_scores
from topshelf.weighing import Weighing

VERSION = "20260101T000000Z-00000000"
NEXT = "20260102T000000Z-00000000"
NOW = 1_767_225_600_000
N_ITEMS = 150


class House:
    """A released model of 150 items, and a viewer who watched the first two."""

    def __init__(self) -> None:
        self.lists, self.artefacts = FakeTopKStore(), FakeFactorStore()
        self.registry = FakeRegistry(champion=VERSION)
        for version in (VERSION, NEXT):
            self.release(version)
        self.old = TopKList("m010", b"\0\0", pack_history([0, 1], [2.0, 1.5]), b"", "batch", NOW)
        self.lists.lists[VERSION, "u1"] = self.old
        self.refresh = ListRefresh(
            lists=self.lists, artefacts=self.artefacts, registry=self.registry
        )

    def release(self, version: str, item_ids: int = N_ITEMS) -> None:
        rng = np.random.default_rng(7)
        stream = io.BytesIO()
        np.save(stream, rng.normal(size=(N_ITEMS, 6)).astype(np.float32))
        manifest = Manifest(
            version=version,
            n_users=1,
            n_items=N_ITEMS,
            factors=6,
            topk_items=2,
            files={},
            data=DataSnapshot(taken_at=NOW, newest_event=NOW, objects={}),
            git_commit="c",
            parameters={"als": {"regularization": 2.5}, "confidence": {"alpha": 3.0}},
            seed=1,
            metrics={},
        )
        ids = IdMap[ItemId, ItemRow].of(ItemId(f"m{i:03d}") for i in range(item_ids))
        self.artefacts.files[version, "item_factors.npy"] = stream.getvalue()
        self.artefacts.files[version, "item_ids.json"] = ids.to_json()
        self.artefacts.files[version, MANIFEST_NAME] = manifest.model_dump_json().encode()

    def weigh(self, recency: Recency, damping: Damping, strengths: NDArray[np.float64]) -> None:
        """Makes the version one whose training weighed histories."""
        told = json.loads(self.artefacts.files[VERSION, MANIFEST_NAME])
        told["parameters"] |= {"recency": asdict(recency), "damping": asdict(damping)}
        self.artefacts.files[VERSION, MANIFEST_NAME] = json.dumps(told).encode()
        stream = io.BytesIO()
        np.save(stream, strengths.astype(np.float32))
        self.artefacts.files[VERSION, "item_strengths.npy"] = stream.getvalue()

    @property
    def model(self) -> LiveModel:
        model = self.refresh.live_model()
        assert model is not None
        return model

    def run(self, *events: Interaction, user_id: str = "u1") -> str:
        return self.refresh.refresh(self.model, user_id, events)

    @property
    def stored(self) -> TopKList:
        return self.lists.lists[VERSION, "u1"]


@pytest.fixture
def house() -> House:
    return House()


def watch(item_id: str, fraction: float = 1.0, at: int = NOW + 5) -> Interaction:
    return Interaction(
        item_id=item_id, event_type="watch", timestamp=at, user_id="u1", event_value=fraction
    )


def test_a_new_watch_joins_the_history_and_makes_a_new_list(house: House) -> None:
    assert house.run(watch("m007")) == "refreshed"
    rows, confidences = unpack_history(house.stored.history)
    assert rows == (0, 1, 7)
    assert confidences == (2.0, 1.5, 4.0)  # 1 + alpha of the manifest's weights
    assert house.stored.source == "refresh"
    assert house.stored.generated_at == NOW + 5
    assert len(house.stored.item_ids()) == 100


def test_the_list_is_the_exact_ranking_of_the_folded_in_taste(house: House) -> None:
    house.run(watch("m007"))
    model = house.model
    rows, confidences = (np.array(part) for part in unpack_history(house.stored.history))
    taste = fold_in(
        model.item_factors,
        gram_matrix(model.item_factors),
        rows,
        confidences.astype("f4"),
        model.regularization,
    )
    scores = model.item_factors @ taste
    scores[rows] = -np.inf
    best = np.argsort(-scores, kind="stable")[:100]
    assert house.stored.item_ids() == [f"m{row:03d}" for row in best]
    assert unpack_scores(house.stored.scores) == pytest.approx(scores[best], abs=2e-3)
    assert set(unpack_rows(house.stored.because)) <= {0, 1, 7}


def test_nothing_of_the_history_comes_back(house: House) -> None:
    for item in range(2, 120):
        house.run(watch(f"m{item:03d}", at=NOW + item))
    assert set(house.stored.item_ids()) == {f"m{i:03d}" for i in range(120, N_ITEMS)}


def test_the_same_event_twice_changes_nothing(house: House) -> None:
    house.run(watch("m007"))
    first = house.stored
    assert house.run(watch("m007")) == "unchanged"
    assert house.stored is first
    assert house.lists.writes == 1


def test_a_rewatched_item_is_the_newest_and_a_redelivery_moves_nothing(house: House) -> None:
    assert house.run(watch("m007", at=NOW + 5)) == "refreshed"
    assert house.run(watch("m000", 0.1, at=NOW + 6)) == "refreshed"
    rows, confidences = unpack_history(house.stored.history)
    assert rows == (1, 7, 0)
    assert confidences == (1.5, 4.0, 2.0)
    assert house.run(watch("m007", at=NOW + 5)) == "unchanged"
    assert house.run(watch("m000", 0.1, at=NOW + 6), watch("m007", at=NOW + 5)) == "unchanged"


def test_the_history_of_a_model_from_before_keeps_its_order_under_what_is_new(
    house: House,
) -> None:
    """Such a history ascends by row; a manifest without a weighing weighs nothing, in any order."""
    before = pack_history([2, 5, 9], [2.0, 1.5, 1.25])
    house.lists.lists[VERSION, "u1"] = TopKList("m010", b"\0\0", before, b"", "batch", NOW)
    house.run(watch("m003"))
    assert unpack_history(house.stored.history)[0] == (2, 5, 9, 3)
    assert house.model.weighing == Weighing()
    assert house.model.regularization == Regularization(2.5)


def test_a_history_past_the_bound_drops_its_oldest(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "bound_history", partial(bound_history, limit=2))
    house.run(watch("m007"))
    assert unpack_history(house.stored.history)[0] == (1, 7)


def test_a_late_event_leaves_the_time_of_the_list(house: House) -> None:
    assert house.run(watch("m007", at=NOW - 1000)) == "refreshed"
    assert house.stored.generated_at == NOW


def test_a_rating_overrides_the_confidence_and_a_weaker_watch_does_not(house: House) -> None:
    house.run(watch("m000", 0.0))
    assert unpack_history(house.stored.history) == ((1, 0), (1.5, 2.0))
    rated = Interaction(
        item_id="m000", event_type="rating", timestamp=NOW + 9, user_id="u1", event_value=0.5
    )
    house.run(rated)
    assert unpack_history(house.stored.history)[1][1] == pytest.approx(1.3, abs=1e-3)


def test_unknown_items_and_viewers_are_left_alone(house: House) -> None:
    assert house.run(watch("new-film")) == "unknown_items"
    assert house.run(watch("m007"), user_id="u2") == "no_list"
    assert house.lists.writes == 0
    assert house.run(watch("new-film"), watch("m007")) == "refreshed"


def test_a_rival_write_is_read_again(house: House) -> None:
    house.lists.rivals = 2
    assert house.run(watch("m007", at=NOW - 1)) == "refreshed"
    assert house.stored.revision == 3


def test_endless_rivals_are_a_conflict(house: House) -> None:
    house.lists.rivals = 100
    with pytest.raises(ConflictError, match="keeps changing"):
        house.run(watch("m007"))


def test_factors_are_read_once_a_version(house: House) -> None:
    assert house.model is house.model
    assert len(house.artefacts.reads) == 3
    house.registry.flip(house.registry.champion(), NEXT, date(2026, 1, 2))
    assert house.model.version == NEXT
    assert len(house.artefacts.reads) == 6


def test_the_exponent_of_the_training_is_that_of_the_refresh(house: House) -> None:
    """A manifest of before names none, as in the other tests here: lambda is then not scaled."""
    assert house.model.regularization == Regularization(2.5, 0.0)
    raw = house.artefacts.files[VERSION, MANIFEST_NAME].replace(
        b'"regularization":2.5', b'"regularization":2.5,"exponent":0.5'
    )
    house.artefacts.files[VERSION, MANIFEST_NAME] = raw
    again = ListRefresh(lists=house.lists, artefacts=house.artefacts, registry=house.registry)
    model = again.live_model()
    assert model is not None
    assert model.regularization == Regularization(2.5, 0.5)


def test_the_weighing_of_the_training_is_that_of_the_refresh(house: House) -> None:
    recency, damping = Recency(half_life=1.0, gain=4.0, restraint=2.0), Damping(items=0.5)
    house.weigh(recency, damping, np.arange(1, N_ITEMS + 1) / 10)
    model = house.model
    assert model.regularization == Regularization(5.0)  # 2.5 of the training, twice
    # 1 + (3 - 1) * 4 / 2 * .5 for the older of items 4 and 1, 1 + (3 - 1) * 4 * .2 for the newer.
    served = model.weighing.served(np.array([4, 1]), np.array([3, 3], np.float32))
    assert served.tolist() == pytest.approx([3.0, 2.6])
    house.run(watch("m004"))
    rows, confidences = (np.array(part) for part in unpack_history(house.stored.history))
    assert confidences.tolist() == [2.0, 1.5, 4.0]  # what is kept is plain
    weighed = model.weighing.served(rows, confidences.astype(np.float32))
    assert weighed.tolist() == pytest.approx([1.1, 1.2, 7.0])
    taste = fold_in(model.item_factors, model.gram, rows, weighed, model.regularization)
    scores = model.item_factors @ taste
    scores[rows] = -np.inf
    best = np.argsort(-scores, kind="stable")[:100]
    assert house.stored.item_ids() == [f"m{row:03d}" for row in best]
    because = explain(
        model.item_factors,
        model.gram,
        rows,
        weighed,
        regularization=model.regularization,
        recommended=best,
    )
    assert unpack_rows(house.stored.because) == tuple(because.tolist())


def test_strengths_of_other_items_are_refused(house: House) -> None:
    house.weigh(Recency(), Damping(items=0.5), np.ones(N_ITEMS - 1))
    with pytest.raises(IntegrityError, match="item strengths"):
        house.refresh.live_model()


def test_a_weighing_that_cannot_be_is_refused(house: House) -> None:
    raw = house.artefacts.files[VERSION, MANIFEST_NAME]
    house.artefacts.files[VERSION, MANIFEST_NAME] = raw.replace(
        b'"parameters":{', b'"parameters":{"recency":{"half_life":-1},'
    )
    with pytest.raises(IntegrityError, match="half_life"):
        house.refresh.live_model()


def test_before_the_first_release_there_is_no_model() -> None:
    refresh = ListRefresh(
        lists=FakeTopKStore(), artefacts=FakeFactorStore(), registry=FakeRegistry()
    )
    assert refresh.live_model() is None


def test_a_damaged_artefact_is_refused(house: House) -> None:
    house.release(VERSION, item_ids=N_ITEMS - 1)
    with pytest.raises(IntegrityError, match="149 item ids"):
        house.refresh.live_model()
    house.artefacts.files[VERSION, "item_factors.npy"] = b"no array"
    with pytest.raises(IntegrityError, match="damaged"):
        house.refresh.live_model()
