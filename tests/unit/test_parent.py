import io
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.model_ports import FakeFactorStore
from tests.unit.test_als import two_tastes
from tests.unit.test_evaluate import data_of
from topshelf.factors import Regularization, fold_in, gram_matrix
from topshelf.features import ConfidenceWeights
from topshelf.ids import IdMap, ItemId
from topshelf.manifest import MANIFEST_NAME, DataSnapshot, Manifest
from topshelf.ranking import NO_ITEM
from training.exposures import Exposures
from training.parent import Parent, rank_parent, read_parent, share_known
from training.selection import Timeline, split_by_time, timeline_of

VERSION = "20260101T000000Z-00000000"
LAMBDA = 2.0
FACTORS = np.random.default_rng(8).normal(size=(5, 3)).astype(np.float32)
# The parent knows b, c, d, e, x in its rows 0..4; this data has a, b, c, d in its rows 0..3.
THEIRS = ("b", "c", "d", "e", "x")
OURS = ("a", "b", "c", "d")


def store(**parameters: object) -> FakeFactorStore:
    manifest = Manifest(
        version=VERSION,
        n_users=1,
        n_items=5,
        factors=3,
        topk_items=1,
        files={},
        data=DataSnapshot(taken_at=2_000, newest_event=1_000, objects={}),
        git_commit="abc",
        parameters={
            "als": {"regularization": LAMBDA, "exponent": 0.0},
            "confidence": {"alpha": ConfidenceWeights().alpha},
            **parameters,
        },
        seed=1,
        metrics={},
    )
    files = FakeFactorStore()
    raw = io.BytesIO()
    np.save(raw, FACTORS)
    files.write(VERSION, "item_factors.npy", raw.getvalue())
    files.write(VERSION, "item_ids.json", json.dumps(THEIRS).encode())
    files.write(VERSION, MANIFEST_NAME, manifest.model_dump_json().encode())
    return files


def parent(**parameters: object) -> Parent:
    found, reason = read_parent(store(**parameters), VERSION)
    assert found is not None
    assert reason == ""
    return found


def known(rows: list[int]) -> Timeline:
    return Timeline(np.array([0, len(rows)]), np.array(rows), np.full(len(rows), 3, np.float32), 4)


def expected(rows: list[int], confidences: list[float]) -> np.ndarray:
    """Scores of the parent's five items for a history in its rows."""
    taste = fold_in(
        FACTORS,
        gram_matrix(FACTORS),
        np.array(rows),
        np.array(confidences, np.float32),
        Regularization(LAMBDA),
    )
    return FACTORS @ taste


def test_histories_are_folded_into_the_parents_factors() -> None:
    # Seen: a, which the parent does not know, and c, its row 1. Left are b and d, its rows 0 and 2;
    # e and x, which this data does not know, are asked of nobody.
    scores = expected([1], [3.0])
    best = [1, 3] if scores[0] > scores[2] else [3, 1]
    found = rank_parent(parent(), OURS, known([0, 2]), 4)
    assert found is not None
    assert found.tolist() == [[*best, NO_ITEM, NO_ITEM]]


def test_the_parent_weighs_as_it_was_released() -> None:
    # Recency of its own: of b then d the older one counts half as strongly.
    released = parent(recency={"half_life": 1.0, "gain": 4.0, "restraint": 1.0})
    told = released.model.weighing.served(np.array([0, 2]), np.array([3, 3], np.float32))
    assert told.tolist() == [1 + 2 * 4 / 2, 1 + 2 * 4]
    (seen,) = rank_parent(released, OURS, known([1, 3]), 1) or [[None]]
    assert seen.tolist() == [2]


def test_what_was_never_taken_counts_as_it_did_for_the_parent() -> None:
    # Seen: d, its row 2. Shown in vain: a, which it does not know, and e, its row 3.
    names = ("a", *THEIRS)
    shown = Exposures(
        np.array([0, 2]), np.array([0, 4], np.int32), np.zeros(2, np.int32), least=1, confidence=9.0
    )
    told = Timeline(np.array([0, 1]), np.array([3]), np.full(1, 3, np.float32), 6, shown)
    strong = {"alpha": 2.0, "unclicked": 1.0}
    plain, other = expected([2], [3.0]), expected([2, 3], [3.0, -3.0])
    orders = []
    for weights, scores in (({"alpha": 2.0}, plain), (strong, other)):
        found = rank_parent(parent(confidence=weights), names, told, 4)
        assert found is not None
        orders.append([row - 1 for row in found[0]])
        assert orders[-1] == [row for row in np.argsort(-scores) if row != 2]
    assert orders[0] != orders[1]


def test_a_parent_of_other_items_ranks_nothing() -> None:
    assert rank_parent(parent(), ("p", "q", "r", "s"), known([0]), 3) is None


def test_what_cannot_be_read_is_told_and_not_raised() -> None:
    assert read_parent(FakeFactorStore(), VERSION) == (None, "its artefact is not there any more")
    files = store()
    files.files[VERSION, "item_ids.json"] = b"{"
    found, reason = read_parent(files, VERSION)
    assert found is None
    assert reason.startswith("its artefact cannot be read: ")


def test_how_much_the_parent_may_have_been_taught() -> None:
    data = data_of(two_tastes())
    split = split_by_time(timeline_of(data), np.random.default_rng(1))
    own = parent()
    asked = data.matrix[split.users].multiply(split.targets)
    assert asked.nnz == split.targets.nnz
    times = np.zeros(data.matrix.shape)
    times[data.matrix.nonzero()] = data.last_times
    targets = times[split.users][split.targets.nonzero()]
    middle = int(np.median(targets))
    share = share_known(replace(own, newest_event=middle), data, split)
    assert share == pytest.approx((targets <= middle).mean())
    assert 0.4 < share < 0.6
    assert share_known(replace(own, newest_event=0), data, split) == 0.0
    assert share_known(replace(own, newest_event=10**13), data, split) == 1.0
    assert IdMap.of([ItemId(name) for name in THEIRS]) == own.model.items
