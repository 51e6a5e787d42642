import numpy as np
import pytest

from tests.unit.test_als import two_tastes
from tests.unit.test_evaluate import data_of
from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.recency import Recency
from training.als import ALSParameters
from training.baselines import Limits
from training.evaluate import Evaluation, evaluate, evaluate_split, fit
from training.judging import DEEPEST, NDCG
from training.selection import Timeline, split_by_time, timeline_of
from training.stages import Reranking
from training.study import SeedFigures, StudyOptions, choose, compare_baselines, over_seeds

PARAMETERS = ALSParameters(factors=4, iterations=5)
PLAIN = {"recency": Recency(), "damping": Damping()}
NO_GENRES = np.zeros((40, 0), dtype=np.float32)
NO_STAGE = {"reranking": Reranking(), "genres": NO_GENRES}


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return timeline_of(data_of(two_tastes()))


@pytest.fixture(scope="module")
def outcome() -> Evaluation:
    return evaluate(data_of(two_tastes()), PARAMETERS, lambda _: None)


def test_the_interval_is_students() -> None:
    # Mean 2, deviation 1, t(.975, 2 degrees) = 4.3027 over the root of 3: 2.4841.
    found = SeedFigures.of([1.0, 2.0, 3.0])
    assert (found.values, found.mean) == ((1.0, 2.0, 3.0), 2.0)
    assert found.low == pytest.approx(-0.4841, abs=1e-4)
    assert found.high == pytest.approx(4.4841, abs=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"seeds": 0}, {"seeds": 21}, {"sample_entries": 0}, {"sample_users": 0}]
)
def test_a_study_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="a study needs"):
        StudyOptions(**wrong)


def test_the_curve_ends_where_the_training_does(timeline: Timeline) -> None:
    choice = choose(timeline, PARAMETERS, **PLAIN, genres=NO_GENRES, options=StudyOptions())
    assert [iteration for iteration, _ in choice.curve] == [1, 2, 3, 5]
    # The last point is the model whose lists are judged.
    assert choice.curve[-1][1] == pytest.approx(choice.plain[NDCG], abs=1e-6)
    again = choose(timeline, PARAMETERS, **PLAIN, genres=NO_GENRES, options=StudyOptions())
    assert again == choice


def test_the_curve_is_of_served_tastes(timeline: Timeline) -> None:
    recency = Recency(half_life=1.0, gain=2.0, restraint=2.0)
    choice = choose(
        timeline,
        PARAMETERS,
        recency=recency,
        damping=Damping(users=0.5),
        genres=NO_GENRES,
        options=StudyOptions(),
    )
    assert choice.curve[-1][1] == pytest.approx(choice.plain[NDCG], abs=1e-6)


def test_a_choice_is_judged_by_few(timeline: Timeline) -> None:
    few = StudyOptions(sample_users=9)
    choice = choose(timeline, PARAMETERS, **PLAIN, genres=NO_GENRES, options=few)
    assert choice.users == 9
    short = Timeline(np.array([0, 4]), np.arange(4), np.ones(4, np.float32) * 2, 40)
    nothing = choose(short, PARAMETERS, **PLAIN, genres=NO_GENRES, options=few)
    assert (nothing.users, nothing.curve, nothing.trials) == (0, (), ())


def test_baselines_answer_the_same_questions(outcome: Evaluation) -> None:
    judged, notes = compare_baselines(outcome, 1)
    assert list(judged) == ["item_cosine", "bm25", "ease"]
    assert notes == {}
    assert {len(one.gains) for one in judged.values()} == {outcome.users}
    # Tastes are halves of the catalogue: whoever looks at a history finds the half.
    popular = outcome.metrics["popularity"][NDCG]
    assert min(one.metrics[NDCG] for one in judged.values()) > popular
    _, bounded = compare_baselines(outcome, 1, Limits(ease_items=10))
    assert bounded == {"ease": "over the 10 most viewed of 40 items"}


def test_the_first_seed_is_the_evaluation_itself(timeline: Timeline, outcome: Evaluation) -> None:
    told: list[int] = []
    found = over_seeds(
        timeline,
        PARAMETERS,
        **PLAIN,
        **NO_STAGE,
        outcome=outcome,
        options=StudyOptions(),
        on_seed=told.append,
    )
    assert told == [2, 3]
    assert found.keys() == outcome.metrics["als"].keys()
    assert found[NDCG].values[0] == outcome.metrics["als"][NDCG]
    assert len(set(found[NDCG].values)) == 3
    other = ALSParameters(factors=4, iterations=5, seed=PARAMETERS.seed + 1)
    again = evaluate(data_of(two_tastes()), other, lambda _: None)
    assert found[NDCG].values[1] == again.metrics["als"][NDCG]


def test_of_many_viewers_seeds_see_samples(timeline: Timeline, outcome: Evaluation) -> None:
    few = StudyOptions(seeds=2, sample_entries=len(timeline.rows) // 2)
    told: list[int] = []
    found = over_seeds(
        timeline, PARAMETERS, **PLAIN, **NO_STAGE, outcome=outcome, options=few, on_seed=told.append
    )
    assert told == [1, 2]
    assert outcome.metrics["als"][NDCG] not in found[NDCG].values


def test_every_seed_has_the_stages_that_are_on(timeline: Timeline) -> None:
    mixed = Reranking(diversity=0.9)
    outcome = evaluate(data_of(two_tastes()), PARAMETERS, lambda _: None, reranking=mixed)
    told = {"genres": NO_GENRES, "outcome": outcome, "options": StudyOptions(seeds=2)}
    found, plain = (
        over_seeds(timeline, PARAMETERS, **PLAIN, **told, reranking=one, on_seed=lambda _: None)
        for one in (mixed, Reranking())
    )
    key = f"intra_list_diversity_at_{DEEPEST}"
    assert found[key].values[1] > plain[key].values[1] + 0.01
    assert found[key].values[0] == plain[key].values[0]


def test_a_sample_in_which_nobody_can_be_asked_has_no_seeds(outcome: Evaluation) -> None:
    ones = Timeline(np.arange(3_001), np.arange(3_000) % 40, np.full(3_000, 2.0, np.float32), 40)
    found = over_seeds(
        ones,
        PARAMETERS,
        **PLAIN,
        **NO_STAGE,
        outcome=outcome,
        options=StudyOptions(sample_entries=1_000),
        on_seed=lambda _: None,
    )
    assert found == {}


def test_one_seed_has_no_interval(timeline: Timeline, outcome: Evaluation) -> None:
    one = StudyOptions(seeds=1)
    assert (
        over_seeds(
            timeline, PARAMETERS, **PLAIN, **NO_STAGE, outcome=outcome, options=one, on_seed=print
        )
        == {}
    )


def test_a_split_can_be_judged_with_a_model_at_hand(timeline: Timeline) -> None:
    rng = np.random.default_rng(PARAMETERS.seed)
    split = split_by_time(timeline, rng)
    model = fit(split.history, PARAMETERS, **PLAIN)
    found = evaluate_split(split, model, rng)
    assert found == evaluate(data_of(two_tastes()), PARAMETERS, lambda _: None)
