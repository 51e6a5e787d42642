import numpy as np
import pytest

from tests.unit.test_als import two_tastes
from tests.unit.test_evaluate import data_of
from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.metrics import RatioInterval
from topshelf.recency import Recency
from topshelf.rerank import Calibration, Diversity, ItemModel
from training.als import ALSParameters
from training.baselines import ease_weights
from training.evaluate import fit, rank
from training.judging import Judge
from training.selection import split_by_time, timeline_of
from training.stages import CANDIDATES, Reranking, StageMaker, StageTrial, histories_of, try_stages

GENRES = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
NO_GENRES = np.zeros((40, 0), dtype=np.float32)


def test_nothing_is_on_unless_asked_for() -> None:
    maker = StageMaker(two_tastes(), np.eye(40, dtype=np.float32), GENRES, 1)
    assert maker.make(Reranking()) == ()
    assert Reranking().names() == ""


def test_what_is_on_is_made_of_the_training() -> None:
    matrix, items = two_tastes(), np.eye(40, dtype=np.float32)
    maker = StageMaker(matrix, items, GENRES, 1)
    on = Reranking(ease=0.5, diversity=0.25, calibration=0.125)
    assert on.names() == "ease 0.5, diversity 0.25, calibration 0.125"
    second, mmr, calibrated = maker.make(on)
    assert isinstance(second, ItemModel)
    assert second.weight == 0.5
    assert second.place_of.tolist() == list(range(40))
    np.testing.assert_array_equal(second.weights, ease_weights(matrix.sign(), 300.0))
    assert isinstance(mmr, Diversity)
    assert (mmr.weight, mmr.vectors is items) == (0.75, True)
    assert isinstance(calibrated, Calibration)
    assert (calibrated.weight, calibrated.genres is GENRES) == (0.125, True)


@pytest.mark.parametrize(
    "wrong", [{"ease": -1.0}, {"ease": 101.0}, {"diversity": 1.5}, {"calibration": -0.1}]
)
def test_weights_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match="reranking needs"):
        Reranking(**wrong)


def test_a_stage_wins_beyond_doubt_or_not() -> None:
    assert StageTrial(Reranking(), {}, RatioInterval(1.2, 1.01, 1.4)).wins
    assert not StageTrial(Reranking(), {}, RatioInterval(1.2, 1.0, 1.4)).wins


def trials_with(genres: np.ndarray) -> list[StageTrial]:
    split = split_by_time(timeline_of(data_of(two_tastes())), np.random.default_rng(1))
    model = fit(
        split.history,
        ALSParameters(factors=4, iterations=5),
        recency=Recency(),
        damping=Damping(),
    )
    known = split.known()
    maker = StageMaker(split.history.matrix(), model.factors.items, genres, 1)
    return try_stages(
        maker,
        rank(model, known, 100),
        histories_of(known, model.weighing),
        Judge.of(split, model.factors.items),
        np.random.default_rng(1),
    )


def test_every_candidate_is_tried_and_calibration_where_genres_are_known() -> None:
    assert [trial.reranking for trial in trials_with(GENRES)] == list(CANDIDATES)
    assert all(not trial.reranking.calibration for trial in trials_with(NO_GENRES))
    assert len(trials_with(NO_GENRES)) == 4


def test_a_trial_has_the_figures_of_its_own_lists() -> None:
    trials = trials_with(GENRES)
    found = {trial.reranking: trial.ndcg_ratio.ratio for trial in trials}
    assert len(set(found.values())) > 3
    # Tastes are halves of the catalogue, which are the genres: more calibration does no harm.
    assert found[Reranking(calibration=0.3)] > 0.97
