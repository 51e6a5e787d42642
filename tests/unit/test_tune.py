"""A search that stops and goes on, parts left out, and the file between a search and a training."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import optuna
import polars as pl
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.builders.event_frames import good_events
from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.features import ConfidenceWeights
from topshelf.recency import Recency
from training.ablation import ablate, ablated
from training.als import ALSParameters
from training.exposures import SHOWN_SCHEMA
from training.interactions import clean_events
from training.lake import EVENT_SCHEMA
from training.parameters import TrainingParameters, parameters_of, parameters_text
from training.tune import tune
from training.validation import Validation

SMALL = TrainingParameters(als=ALSParameters(factors=4, iterations=3))


@cache
def events() -> pl.DataFrame:
    return clean_events(good_events()).events


def judge(found: pl.DataFrame | None = None) -> Validation:
    return Validation(events() if found is None else found, max_entries=8_000)


def test_the_same_viewers_are_asked_whatever_the_parameters() -> None:
    validation = Validation(events(), max_entries=8_000)
    one = validation.gains(SMALL)
    other = validation.gains(replace(SMALL, confidence=ConfidenceWeights(alpha=9.0)))
    assert len(one) == len(other) > 50
    assert one.tolist() == validation.gains(SMALL).tolist()
    assert one.tolist() != other.tolist()


def test_too_little_to_hold_out_is_told() -> None:
    few = events().sort("timestamp").group_by("user_id").head(2)
    with pytest.raises(InvalidInputError, match="has the six items"):
        Validation(few).gains(SMALL)


def test_a_search_goes_on_where_it_ended_and_never_below_its_start(tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []

    def search(name: str, trials: int) -> tuple[TrainingParameters, float, int]:
        found = tune(
            judge(),
            SMALL,
            file=tmp_path / name,
            trials=trials,
            on_trial=lambda done, best: told.append((done, best)),
        )
        assert found.ndcg >= found.before
        assert found.ratio.low <= found.ratio.ratio <= found.ratio.high
        assert found.ratio.ratio == pytest.approx(found.ndcg / found.before)
        return found.parameters, found.ndcg, found.trials

    first = search("study", 2)
    assert first[2] == 2
    more = search("study", 5)
    assert more[2] == 5
    assert more[1] >= first[1]
    assert [done for done, _ in told] == [1, 2, 3, 4, 5]
    bests = [best for _, best in told]
    assert bests == sorted(bests)
    again = search("study", 5)  # done already: nothing is trained but the best
    assert again == more
    assert len(told) == 5
    assert search("other", 2) == first  # the same seed


def test_a_study_of_other_data_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "study"
    tune(judge(), SMALL, file=file, trials=1)
    other = events().head(20_000)
    with pytest.raises(InvalidInputError, match="is a study of other data") as refused:
        tune(judge(other), SMALL, file=file, trials=1)
    assert refused.value.field == "study"


def test_a_study_of_another_search_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "study"
    tune(judge(), SMALL, file=file, trials=1)
    renamed = events().with_columns((pl.col("item_id") + "x").cast(EVENT_SCHEMA["item_id"]))
    others = [
        judge(renamed),
        Validation(events(), max_entries=9_000),
        Validation(events(), seed=3, max_entries=8_000),
    ]
    for other in others:
        with pytest.raises(InvalidInputError, match="is a study of other data"):
            tune(other, SMALL, file=file, trials=1)
    shuffled = events().sample(fraction=1, shuffle=True, seed=1)
    assert tune(judge(shuffled), SMALL, file=file, trials=1).trials == 1


@pytest.mark.parametrize("there", [None, "{}", "folder"])
def test_a_file_that_can_be_no_study_is_told(tmp_path: Path, there: str | None) -> None:
    file = tmp_path / ("missing/study" if there is None else "study")
    if there == "folder":
        file.mkdir()
    elif there is not None:
        file.write_text(there + "\n")
    with pytest.raises(InvalidInputError, match="can be no study") as refused:
        tune(judge(), SMALL, file=file, trials=1)
    assert refused.value.field == "study"


def test_what_a_training_chooses_by_itself_is_no_gain_of_a_search(tmp_path: Path) -> None:
    validation = judge()
    found = tune(validation, SMALL, file=tmp_path / "study", trials=1)
    settled = validation.settled(SMALL)
    assert settled.als.shrinkage is not None
    assert found.before == pytest.approx(float(validation.gains(settled).mean()))


def test_a_search_may_be_interrupted(tmp_path: Path) -> None:
    def interrupt(done: int, _best: float) -> None:
        if done == 2:
            raise KeyboardInterrupt

    found = tune(
        judge(),
        SMALL,
        file=tmp_path / "study",
        trials=50,
        on_trial=interrupt,
    )
    assert found.trials == 2
    assert found.ndcg >= found.before


def test_what_is_left_out_is_what_the_data_and_the_parameters_have() -> None:
    names = [name for name, _ in ablated(SMALL, {"rating"})]
    assert names == [
        "recency",
        "lambda by what is known of a row",
        "ratings' own scale",
        "+ ratings centred per viewer",
    ]
    damped = replace(SMALL, damping=Damping(users=0.1), recency=Recency())
    variants = dict(ablated(damped, {"view", "watch"}))
    assert list(variants) == [
        "damping",
        "lambda by what is known of a row",
        "watched fraction",
        "+ rewatching",
        "kinds of events",
    ]
    assert variants["damping"] == replace(damped, damping=Damping())
    weights = variants["watched fraction"].confidence
    assert weights.watch_floor == weights.watch_full == pytest.approx(0.55)  # of 0.1 and 1
    assert variants["lambda by what is known of a row"].als.exponent == 0
    assert variants["+ rewatching"].confidence == replace(damped.confidence, rewatched=0.5)
    on = replace(damped, confidence=variants["+ rewatching"].confidence)
    assert dict(ablated(on, {"watch"}))["rewatching"] == damped
    shown = dict(ablated(damped, {"view", "impression"}))
    tried = shown["+ exposures without a click"]
    assert tried.confidence == replace(damped.confidence, unclicked=0.3)
    assert dict(ablated(tried, {"view", "impression"}))["exposures without a click"] == damped
    assert "kinds of events" not in shown


def test_what_was_shown_is_searched_where_it_is(tmp_path: Path) -> None:
    found = events()
    shown = pl.concat([pl.DataFrame(schema=SHOWN_SCHEMA), found.head(3).select(*SHOWN_SCHEMA)])
    validation = Validation(found, shown, max_entries=8_000)
    assert validation.signals - judge().signals == {"impression"}

    def searched(validation: Validation, name: str) -> set[str]:
        file = tmp_path / name
        tune(validation, SMALL, file=file, trials=1)
        storage = JournalStorage(JournalFileBackend(str(file)))
        (trial,) = optuna.load_study(study_name="topshelf", storage=storage).trials
        return set(trial.params)

    more = searched(validation, "shown") - searched(judge(), "plain")
    assert more == {"confidence.unclicked", "confidence.unclicked_from"}


def test_an_ablation_compares_with_the_whole() -> None:
    validation = Validation(events(), max_entries=8_000)
    told: list[tuple[int, int]] = []
    found = ablate(validation, SMALL, {"rating"}, lambda *done: told.append(done))
    assert told == [(done, 5) for done in (1, 2, 3, 4, 5)]
    whole = validation.gains(SMALL)
    without = validation.gains(replace(SMALL, recency=Recency()))
    assert found[0].name == "recency"
    assert found[0].ndcg == pytest.approx(float(np.mean(without)))
    assert found[0].ratio.ratio == pytest.approx(float(np.mean(without) / np.mean(whole)))


def test_parameters_survive_their_file() -> None:
    given = replace(
        SMALL,
        recency=Recency(half_life=None, gain=2.0),
        damping=Damping(items=0.25),
        confidence=ConfidenceWeights(alpha=3.5, view=0.05),
    )
    assert parameters_of(parameters_text(given), TrainingParameters()) == given


def test_what_is_not_named_stays() -> None:
    found = parameters_of('{"als": {"factors": 32}}', SMALL)
    assert found == replace(SMALL, als=replace(SMALL.als, factors=32))
    assert parameters_of("{}", SMALL) == SMALL


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("{", "parameters", "this is not JSON"),
        ("[]", "parameters", "an object of als, confidence, recency, damping is wanted"),
        ('{"asl": {}}', "asl", "did you mean als"),
        ('{"als": 3}', "als", "an object of names and numbers"),
        ('{"als": {"factor": 3}}', "als.factor", "did you mean als.factors"),
        ('{"als": {"factors": 3.5}}', "als.factors", "a whole number is wanted, not 3.5"),
        ('{"als": {"factors": true}}', "als.factors", "a whole number is wanted, not true"),
        ('{"als": {"factors": -3}}', "parameters", "must be above 0"),
        ('{"confidence": {"alpha": "1"}}', "confidence.alpha", "a number is wanted"),
        ('{"confidence": {"alpha": null}}', "confidence.alpha", "a number is wanted, not null"),
        ('{"confidence": {"alpha": -1}}', "confidence", "must not be negative"),
        ('{"confidence": {"alpha": NaN}}', "confidence.alpha", "a number is wanted"),
        ('{"confidence": {"alpha": 1' + "0" * 400 + "}}", "confidence.alpha", "a number is wanted"),
        ('{"confidence": {"alpha": 1e6}}', "confidence", "no confidence may be above 65,504"),
        ("[" * 100_000, "parameters", "this is not JSON"),
        ('{"als": {"seed": -1}}', "parameters", "seed and threads must not be negative"),
        ('{"als": {"threads": -5}}', "parameters", "seed and threads must not be negative"),
        ('{"als": {"factors": 1025}}', "parameters", "at most 1,024 factors"),
        ('{"als": {"iterations": 100000}}', "parameters", "1,000 iterations"),
        ('{"recency": {"half_life": 0}}', "recency", "must be above 0"),
        ('{"recency": {"half_life": "x"}}', "recency.half_life", "a number or null is wanted"),
        ('{"damping": {"usual_history": 3}}', "damping.usual_history", "there is no parameter"),
    ],
)
def test_what_is_wrong_is_named(text: str, field: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parameters_of(text, TrainingParameters())
    assert refused.value.field == field
    assert message in str(refused.value)


def test_the_text_is_json_of_four_parts() -> None:
    told = json.loads(parameters_text(TrainingParameters()))
    assert list(told) == ["als", "confidence", "recency", "damping"]
    assert "usual_history" not in told["damping"]
