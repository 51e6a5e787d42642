"""What was shown and never taken: counted, kept out of what is held out, and learned from."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from tests.unit.test_solver import random_matrix, start, with_negatives
from topshelf.damping import Damping
from topshelf.features import ConfidenceWeights
from topshelf.metrics import hit_matrix, ndcg_at_k
from topshelf.recency import Recency
from training import kernel
from training.als import ALSParameters, fit_als
from training.evaluate import fit, rank
from training.exposures import (
    MAX_UNCLICKED,
    SHOWN_SCHEMA,
    Exposures,
    beside,
    exposures_of,
)
from training.interactions import clean_events, interactions_of
from training.judging import NDCG
from training.lake import EVENT_SCHEMA
from training.selection import TemporalSplit, Timeline, split_by_time, timeline_of
from training.study import StudyOptions, choose

WEIGHTS = ConfidenceWeights(alpha=2.0, unclicked=0.25, unclicked_from=2)
ITEMS = ("m0", "m1", "m2", "m3", "m4", "m5")


def shown_frame(*rows: tuple[str | None, str, int], session: str | None = None) -> pl.DataFrame:
    told = [(user, session, item, at) for user, item, at in rows]
    return pl.DataFrame(told, schema=SHOWN_SCHEMA, orient="row")


def views(*rows: tuple[str, str, int], session: str | None = None) -> pl.DataFrame:
    told = [(user, session, item, "view", None, at, None) for user, item, at in rows]
    return pl.DataFrame(told, schema=EVENT_SCHEMA, orient="row")


# u0 saw m0 to m4 at 10, 20, ... 50; u1 saw m5 at 15.
VIEWS = views(*[("u0", f"m{i}", 10 * (i + 1)) for i in range(5)], ("u1", "m5", 15))


def exposures(*rows: tuple[str | None, str, int]) -> Exposures:
    found = interactions_of(VIEWS, WEIGHTS, shown_frame(*rows)).exposures
    assert found is not None
    return found


def pairs(exposed: Exposures, history: csr_matrix) -> dict[tuple[int, int], float]:
    found = exposed.unclicked(history).tocoo()
    return {
        (int(user), int(item)): float(value)
        for user, item, value in zip(found.row, found.col, found.data, strict=True)
    }


HISTORY = interactions_of(VIEWS, WEIGHTS).matrix


def test_what_is_shown_often_and_never_taken_is_not_wanted() -> None:
    found = exposures(("u0", "m5", 11), ("u0", "m5", 12), ("u1", "m0", 11), ("u0", "m1", 3))
    # m1 was taken, and u1 was shown m0 but once: alpha 2 of strength 1/4 is half a confidence.
    assert pairs(found, HISTORY) == {(0, 5): -1.5}


def test_a_showing_that_is_told_twice_is_one() -> None:
    assert pairs(exposures(("u0", "m5", 11), ("u0", "m5", 11)), HISTORY) == {}


def test_unknown_viewers_and_items_are_nothing() -> None:
    found = exposures(*[("u9", "m5", at) for at in (1, 2)], *[("u0", "m9", at) for at in (1, 2)])
    assert pairs(found, HISTORY) == {}


def test_nothing_is_kept_where_it_counts_for_nothing() -> None:
    weights = replace(WEIGHTS, unclicked=0.0)
    assert interactions_of(VIEWS, weights, shown_frame(("u0", "m5", 1))).exposures is None
    assert interactions_of(VIEWS, WEIGHTS).exposures is None


def test_a_sessions_showings_are_those_of_its_viewer() -> None:
    signed_in = views(("u0", "m0", 10), session="s")
    shown = shown_frame((None, "m5", 1), (None, "m5", 2), session="s")
    lost = shown_frame((None, "m4", 1), session="nobody")
    cleaned = clean_events(pl.concat([VIEWS, signed_in]), pl.concat([shown, lost]))
    assert cleaned.shown.select("user_id", "item_id").rows() == [("u0", "m5"), ("u0", "m5")]


def test_a_part_of_a_history_knows_what_was_shown_till_its_end() -> None:
    # Held out is m4, seen at 50: it was shown before, and after the newest of what is left, 40.
    at = (5, 35, 45)
    shown = shown_frame(*[("u0", item, time) for item in ("m4", "m5") for time in at])
    timeline = timeline_of(interactions_of(VIEWS, WEIGHTS, shown))
    whole = timeline.unclicked()
    assert whole is not None
    assert whole.toarray()[0].tolist() == [0, 0, 0, 0, 0, -1.5]
    history = split_by_time(timeline, np.random.default_rng(0)).history
    left = history.unclicked()
    assert left is not None
    # Nobody knows yet that m4 will be taken; the showings of 45 are not counted.
    assert left.toarray()[0].tolist() == [0, 0, 0, 0, -1.5, -1.5]
    assert history.exposures is not None
    assert len(history.exposures.rows) == 4
    again = split_by_time(replace(timeline, exposures=timeline.exposures), np.random.default_rng(0))
    known = again.known().unclicked()
    assert known is not None
    assert known.toarray().tolist() == [[0, 0, 0, 0, -1.5, -1.5]]


def test_viewers_that_are_drawn_bring_their_own() -> None:
    shown = shown_frame(*[("u0", "m5", at) for at in (1, 2)], *[("u1", "m2", at) for at in (1, 2)])
    drawn = timeline_of(interactions_of(VIEWS, WEIGHTS, shown)).of(np.array([1, 0]))
    found = drawn.unclicked()
    assert found is not None
    assert found.toarray().tolist() == [[0, 0, -1.5, 0, 0, 0], [0, 0, 0, 0, 0, -1.5]]


def test_repeated_steps_come_to_the_exact_solution() -> None:
    matrix, fixed, solved = with_negatives(5), start(1, 90, 8), start(2, 300, 8)
    with threadpool_limits(1, "blas"):
        for _ in range(12):
            kernel.half_step(matrix, np.full(300, 2, np.float32), fixed, solved, 1)
    wide = fixed.astype(np.float64)
    for row in (0, 7, 200):
        own = slice(matrix.indptr[row], matrix.indptr[row + 1])
        confidence = np.ones(90)
        confidence[matrix.indices[own]] = np.abs(matrix.data[own])
        wanted = np.zeros(90)
        wanted[matrix.indices[own]] = matrix.data[own] > 0
        system = wide.T @ (confidence[:, None] * wide) + 2 * np.eye(8)
        exact = np.linalg.solve(system, wide.T @ (confidence * wanted))
        np.testing.assert_allclose(solved[row], exact, rtol=1e-3, atol=1e-4)


def test_what_is_not_wanted_counts_for_nothing_in_what_is_derived() -> None:
    matrix, parameters = random_matrix(1), ALSParameters(factors=4, iterations=2)
    left = csr_matrix(([-1.5], ([299], [3])), shape=matrix.shape, dtype=np.float32)
    plain = fit_als(matrix, parameters, lambda _: None)
    other = fit_als(matrix, parameters, lambda _: None, unclicked=left)
    assert other.regularization == plain.regularization
    assert not other.users[299].any()  # nothing was chosen: there is no taste to serve
    assert other.items.tobytes() != plain.items.tobytes()


def planted() -> TemporalSplit:
    """Of a genre each viewer takes one half, and is shown much of the other in vain."""
    rng = np.random.default_rng(2)
    n, genre, seen, in_vain = 600, 40, 10, 15
    rows, shown = [], []
    for viewer in range(n):
        own = rng.permutation(genre) + viewer % 6 * genre
        rows.append(rng.choice(own[: genre // 2], size=seen, replace=False))
        shown.append(np.repeat(rng.choice(own[genre // 2 :], size=in_vain, replace=False), 3))
    exposed = Exposures(
        np.arange(0, 3 * in_vain * n + 1, 3 * in_vain),
        np.concatenate(shown).astype(np.int32),
        np.zeros(3 * in_vain * n, np.int32),
        least=3,
        confidence=3.0,
    )
    confidences = np.full(seen * n, 2.5, np.float32)
    indptr = np.arange(0, seen * n + 1, seen)
    timeline = Timeline(indptr, np.concatenate(rows), confidences, 6 * genre, exposed)
    return split_by_time(timeline, np.random.default_rng(0))


def test_who_learns_of_it_recommends_better() -> None:
    split = planted()

    def gain(history: Timeline) -> float:
        als = ALSParameters(factors=8, iterations=10)
        model = fit(history, als, recency=Recency(), damping=Damping())
        ranked = rank(model, history.of(split.users), 10).rows
        hits = hit_matrix(ranked, split.targets.indptr, split.targets.indices)
        return float(ndcg_at_k(hits, np.diff(split.targets.indptr), 10).mean())

    assert gain(split.history) > 1.1 * gain(replace(split.history, exposures=None))


def test_a_study_judges_with_it_as_lists_are_made() -> None:
    history = planted().history
    choice = choose(
        history,
        ALSParameters(factors=8, iterations=5),
        recency=Recency(half_life=3.0),
        damping=Damping(),
        genres=np.zeros((history.n_items, 0), np.float32),
        options=StudyOptions(),
    )
    assert choice.curve[-1][1] == pytest.approx(choice.plain[NDCG], abs=1e-6)


def test_of_many_those_count_that_were_shown_most() -> None:
    n = MAX_UNCLICKED + 20
    often = np.repeat(np.arange(20), 4)
    rows = np.concatenate([np.tile(np.arange(n), 3), often]).astype(np.int32)
    exposed = Exposures(np.array([0, len(rows)]), rows, np.zeros(len(rows), np.int32), 3, 2.0)
    found = exposed.unclicked(csr_matrix(([1.0], ([0], [0])), shape=(1, n), dtype=np.float32))
    # Item 0 was taken; 1 to 19 were shown seven times, the rest three.
    assert found.indices.tolist() == list(range(1, MAX_UNCLICKED + 1))


def test_they_are_at_the_end_of_their_histories() -> None:
    unclicked = csr_matrix(np.array([[0, 0, -2, -2], [0, 0, 0, 0], [-2, 0, 0, 0]], np.float32))
    found = beside(
        np.array([0, 2, 3, 4]), np.array([1, 0, 3, 2]), np.arange(4, dtype=np.float32), unclicked
    )
    assert [part.tolist() for part in found] == [
        [0, 4, 5, 7],
        [1, 0, 2, 3, 3, 2, 0],
        [0, 1, -2, -2, 2, 3, -2],
    ]


def test_exposures_of_nobody_are_empty() -> None:
    found = exposures_of(
        pl.DataFrame(schema=SHOWN_SCHEMA),
        ("u0",),
        ITEMS,
        (np.array([0, 1]), np.array([5])),
        least=1,
        confidence=2.0,
    )
    assert found.unclicked(csr_matrix((1, 6), dtype=np.float32)).nnz == 0


@pytest.mark.parametrize(("name", "value"), [("unclicked", -0.1), ("unclicked_from", 0)])
def test_weights_that_cannot_be_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"unclicked_from|negative"):
        ConfidenceWeights(**{name: value})  # type: ignore[arg-type]
