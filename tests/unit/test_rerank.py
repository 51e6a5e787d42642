import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topshelf.ranking import NO_ITEM, Ranked
from topshelf.rerank import Calibration, Diversity, Histories, ItemModel, Stage, apply_stages

NOBODY = Histories(np.array([0, 0]), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def ranked(rows: list[int], scores: list[float]) -> Ranked:
    return Ranked(np.array([rows]), np.array([scores], dtype=np.float32))


def history(rows: list[int], confidences: list[float]) -> Histories:
    return Histories(np.array([0, len(rows)]), np.array(rows), np.array(confidences, np.float32))


def after(stage: Stage, given: Ranked, known: Histories = NOBODY) -> list[int]:
    return apply_stages([stage], given, known).rows[0].tolist()


# Relevance 1, .8, .5, 0. Items 10 and 11 are alike, 12 has nothing of them, 13 half of 12.
LIST = ranked([10, 11, 12, 13], [2.0, 1.8, 1.5, 1.0])
VECTORS = np.zeros((14, 2), dtype=np.float32)
VECTORS[10:] = [[1, 0], [3, 0], [0, 1], [np.sqrt(3), 1]]


def test_mmr_puts_another_kind_before_more_of_the_same() -> None:
    # By .5: 10 is first. Then 11: .4 - .5, 12: .25 - 0, 13: 0 - .5 * .866: so 12. Then 11: -.1,
    # and 13: -.433.
    assert after(Diversity(VECTORS, 0.5), LIST) == [10, 12, 11, 13]


def test_mmr_weighs_relevance() -> None:
    # By .9: 11: .72 - .1 is before 12: .45.
    assert after(Diversity(VECTORS, 0.9), LIST) == [10, 11, 12, 13]
    assert after(Diversity(VECTORS, 1.0), LIST) == [10, 11, 12, 13]
    # By 0 relevance is nothing: the first of equals, then the least like what is placed: 12
    # (0), then 13 (.866) before 11 (1).
    assert after(Diversity(VECTORS, 0.0), LIST) == [10, 12, 13, 11]


def test_lengths_of_vectors_do_not_matter_and_no_vector_is_like_nothing() -> None:
    for scale in (0.01, 100.0):
        assert after(Diversity(VECTORS * np.float32(scale), 0.5), LIST) == [10, 12, 11, 13]
    # Without a vector 11 is like nothing, and comes by its relevance.
    bare = VECTORS.copy()
    bare[11] = 0
    assert after(Diversity(bare, 0.5), LIST) == [10, 11, 12, 13]


def test_opposite_items_are_unlike_even_after_the_first() -> None:
    # 1 is opposite to 0: cosine -1, better than 2's 0 though less relevant (.5 - -.5 against .7).
    vectors = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    given = ranked([0, 2, 1, 2], [1.0, 0.7, 0.5, 0.0])
    assert after(Diversity(vectors, 0.5), given)[:2] == [0, 1]


def test_scores_stay_in_their_places() -> None:
    found = apply_stages([Diversity(VECTORS, 0.5)], LIST, NOBODY)
    assert found.scores.tolist() == LIST.scores.tolist()


def test_calibration_follows_the_genres_of_the_history() -> None:
    # Half of the history is of genre 0, half of genre 1; the list has genre 0 first.
    genres = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    given = ranked([2, 3, 4], [1.0, 0.9, 0.0])
    known = history([0, 1], [2.0, 2.0])
    # First 2: relevance leads and the divergence is the same for both genres. Then 4 makes the
    # list half and half: divergence 0 against log(.5 / .995) / 2 + log(.5 / .005) / 2 = 1.96.
    assert after(Calibration(genres, 0.5), given, known) == [2, 4, 3]
    # By .2: 3 has .8 * .9 - .2 * 1.96 = .328, 4 has 0.
    assert after(Calibration(genres, 0.2), given, known) == [2, 3, 4]
    assert after(Calibration(genres, 0.0), given, known) == [2, 3, 4]


def test_calibration_counts_confidences_and_parts_of_genres() -> None:
    # The history is 3 of genre 0 and 1 of genre 1; item 2 is half of each, item 3 is genre 1.
    genres = np.array([[1, 0], [0, 1], [1, 1], [0, 1], [1, 0]], dtype=np.float32)
    given = ranked([3, 2, 4], [1.0, 1.0, 1.0])
    known = history([0, 1], [3.0, 1.0])
    # KL from (3/4, 1/4): to item 2's halves .13; to genre 0 alone .97; to genre 1 alone 3.2.
    # After 2: with 4 the list is exactly (3/4, 1/4).
    assert after(Calibration(genres, 1.0), given, known) == [2, 4, 3]
    # A history of one kind the other way round wants genre 1.
    assert after(Calibration(genres, 1.0), given, history([1], [3.0])) == [3, 2, 4]


def test_who_has_no_genres_keeps_the_order() -> None:
    genres = np.zeros((14, 2), dtype=np.float32)
    assert after(Calibration(genres, 0.9), LIST, history([1], [2.0])) == [10, 11, 12, 13]


def test_an_item_model_votes_on_what_it_knows() -> None:
    # It knows 0 (the history), 11 and 12, for which it says 1 and 5: -1 and +1 deviations. Own
    # scores 2, 1.8, 1.5, 1 have the mean 1.575 and the deviation .3766: 1.13, .60, -.20, -1.53.
    place_of = np.full(14, -1)
    place_of[[0, 11, 12]] = [0, 1, 2]
    weights = np.array([[0, 1, 5], [0, 0, 0], [0, 0, 0]], dtype=np.float32)
    known = history([0, 5], [2.0, 2.0])
    # By 1: 1.13, -.40, .80, -1.53.
    assert after(ItemModel(weights, place_of, 1.0), LIST, known) == [10, 12, 11, 13]
    # By 2: 1.13, -1.40, 1.80, -1.53.
    assert after(ItemModel(weights, place_of, 2.0), LIST, known) == [12, 10, 11, 13]
    # By .3: 1.13, .30, .10, -1.53.
    assert after(ItemModel(weights, place_of, 0.3), LIST, known) == [10, 11, 12, 13]
    # A history that it does not know says nothing.
    assert after(ItemModel(weights, place_of, 9.0), LIST, history([5], [2.0])) == [10, 11, 12, 13]


def test_each_list_has_deviations_of_its_own() -> None:
    # Scores of the second are a hundred times those of the first, and the model's likewise.
    place_of = np.arange(5)
    weights = np.zeros((5, 5), dtype=np.float32)
    weights[3] = [5, 1, 3, 0, 0]
    weights[4] = weights[3] * 100
    given = Ranked(
        np.array([[2, 1, 0], [2, 1, 0]]),
        np.array([[3, 2, 1.5], [300, 200, 150]], dtype=np.float32),
    )
    known = Histories(np.array([0, 1, 2]), np.array([3, 4]), np.full(2, 2, dtype=np.float32))
    # Own: 1.34, -.27, -1.07. The model's, of 3, 1, 5: 0, -1.22, 1.22. Together 1.34, -1.49, .16.
    found = apply_stages([ItemModel(weights, place_of, 1.0)], given, known)
    assert found.rows.tolist() == [[2, 0, 1], [2, 0, 1]]
    # By 2: 1.34, -2.72, 1.38.
    found = apply_stages([ItemModel(weights, place_of, 2.0)], given, known)
    assert found.rows.tolist() == [[0, 2, 1], [0, 2, 1]]


def test_an_item_model_leaves_equals_in_their_order() -> None:
    given = ranked(list(range(40, 0, -1)), [1.0] * 40)
    weights = np.zeros((41, 41), dtype=np.float32)
    stage = ItemModel(weights, np.arange(41), 1.0)
    assert after(stage, given, history([0], [2.0])) == list(range(40, 0, -1))


GENRES = np.eye(14, dtype=np.float32)
STAGES: list[Stage] = [
    Diversity(np.abs(np.random.default_rng(5).normal(size=(14, 3))).astype(np.float32), 0.3),
    Calibration(GENRES, 0.8),
    ItemModel(np.random.default_rng(6).normal(size=(14, 14)).astype(np.float32), np.arange(14), 3),
]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
def test_short_lists_keep_their_end_empty(stage: Stage) -> None:
    # Item 13 would be what row -1 means.
    given = Ranked(
        np.array([[3, 5, 7, NO_ITEM], [NO_ITEM] * 4, [2, 4, 6, 8]]),
        np.array([[3, 2, 1, -np.inf], [-np.inf] * 4, [3, 2, 1, 0]], dtype=np.float32),
    )
    known = Histories(np.array([0, 1, 1, 2]), np.array([7, 8]), np.ones(2, dtype=np.float32) * 2)
    found = apply_stages([stage], given, known)
    assert sorted(found.rows[0][:3].tolist()) == [3, 5, 7]
    assert found.rows[0][3] == NO_ITEM
    assert found.rows[1].tolist() == [NO_ITEM] * 4
    assert sorted(found.rows[2].tolist()) == [2, 4, 6, 8]
    alone = apply_stages(
        [stage],
        Ranked(given.rows[2:], given.scores[2:]),
        Histories(np.array([0, 1]), np.array([8]), np.array([2], dtype=np.float32)),
    )
    assert found.rows[2].tolist() == alone.rows[0].tolist()


def test_stages_follow_each_other() -> None:
    both = apply_stages([Diversity(VECTORS, 0.5), Diversity(VECTORS, 1.0)], LIST, NOBODY)
    assert both.rows[0].tolist() == [10, 12, 11, 13]
    assert apply_stages([], LIST, NOBODY) is LIST


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.6, 0.95]))
def test_calibration_is_the_greedy_choice_by_the_formula(seed: int, weight: float) -> None:
    """Steck's equations 2, 5 and 6 as they stand, item by item."""
    rng = np.random.default_rng(seed)
    genres = (rng.random((40, 6)) < 0.3).astype(np.float32)
    shares = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)
    rows = rng.choice(40, size=8, replace=False)
    scores = -np.sort(-rng.random(8)).astype(np.float32)
    seen, sure = rng.integers(0, 40, 5), (1 + rng.random(5)).astype(np.float32)
    taste = (shares[seen].astype(np.float64) * sure[:, None]).sum(axis=0)
    taste /= taste.sum() or 1
    relevance = (scores - scores[-1]) / (scores[0] - scores[-1])
    placed: list[int] = []
    while len(placed) < 8:
        worth = {}
        for place in set(range(8)) - set(placed):
            listed = shares[rows[[*placed, place]]].mean(axis=0, dtype=np.float64)
            smooth = 0.99 * listed + 0.01 * taste
            known = taste > 0
            divergence = (taste[known] * np.log(taste[known] / smooth[known])).sum()
            worth[place] = (1 - weight) * relevance[place] - weight * divergence
        best = max(worth.values())
        placed.append(min(place for place, value in worth.items() if value > best - 1e-9))
    told = Histories(np.array([0, 5]), seen, sure)
    given_list = Ranked(rows[None, :].astype(np.int64), scores[None, :])
    found = apply_stages([Calibration(genres, weight)], given_list, told)
    assert found.rows[0].tolist() == rows[placed].tolist()
