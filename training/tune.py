"""Tuning: parameters that fit a platform's own data, searched on its validation split.

By Optuna's tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter
Optimization", NIPS 2011). A study is a file: who stops goes on where the file ends.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from topshelf.errors import InvalidInputError
from topshelf.metrics import RatioInterval, paired_bootstrap_ratio
from topshelf.recency import Recency
from training.parameters import TrainingParameters
from training.validation import Validation

__all__ = ["DIALS", "Dial", "Tuned", "tune"]

_NAME = "topshelf"


@dataclass(frozen=True, slots=True)
class Dial:
    """One number that is searched.

    Attributes:
        part: Of TrainingParameters.
        name: Of the part's field.
        low: Least value.
        high: Greatest value.
        log: Whether factors count and not differences.
        types: Signals (see Validation) without any of which it cannot matter; empty for all data.
        whole: Whether only whole numbers are.
    """

    part: str
    name: str
    low: float
    high: float
    log: bool = False
    types: frozenset[str] = frozenset()
    whole: bool = False

    @property
    def key(self) -> str:
        """As the study calls it."""
        return f"{self.part}.{self.name}"


_WATCH, _RATING = frozenset({"watch"}), frozenset({"rating"})
_SHOWN = frozenset({"impression"})
DIALS = (
    Dial("als", "exponent", 0.0, 1.2),
    Dial("als", "shrinkage", 0.1, 2.0, log=True),
    Dial("als", "iterations", 5, 25, whole=True),
    Dial("confidence", "alpha", 0.5, 20.0, log=True),
    Dial("confidence", "view", 0.02, 1.0, log=True, types=frozenset({"view"})),
    Dial("confidence", "watch_floor", 0.01, 1.0, log=True, types=_WATCH),
    Dial("confidence", "watch_full", 0.1, 2.0, log=True, types=_WATCH),
    Dial("confidence", "watch_abandoned", 0.0, 0.3, types=_WATCH),
    Dial("confidence", "watch_completed", 0.6, 1.0, types=_WATCH),
    Dial("confidence", "rewatched", 0.0, 1.0, types=_WATCH),
    Dial("confidence", "rating_floor", 0.01, 1.0, log=True, types=_RATING),
    Dial("confidence", "rating_top", 0.1, 2.0, log=True, types=_RATING),
    Dial("confidence", "rating_centred", 0.0, 1.0, types=_RATING),
    Dial("confidence", "unclicked", 0.0, 1.0, types=_SHOWN),
    Dial("confidence", "unclicked_from", 1, 10, types=_SHOWN, whole=True),
    Dial("damping", "items", 0.0, 0.5),
    Dial("damping", "users", 0.0, 0.5),
)
"""What is searched beside recency, which may be off."""

_RECENCY = (
    Dial("recency", "half_life", 0.4, 50.0, log=True),
    Dial("recency", "gain", 1.0, 100.0, log=True),
    Dial("recency", "restraint", 0.3, 100.0, log=True),
)
_RECENT = "recency"


@dataclass(frozen=True, slots=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        parameters: The best.
        ndcg: Their NDCG@10 on the validation split.
        before: That of the parameters that the search began with.
        ratio: The first over the second, with its 95% interval. The best of many looks better than
            it is: what a training's report says of the test is what to believe.
        trials: Finished, of all runs of the study.
    """

    parameters: TrainingParameters
    ndcg: float
    before: float
    ratio: RatioInterval
    trials: int


def tune(
    validation: Validation,
    start: TrainingParameters,
    *,
    file: Path,
    trials: int,
    seconds: float | None = None,
    seed: int = 0,
    on_trial: Callable[[int, float], None] = lambda _done, _best: None,
) -> Tuned:
    """Searches, or goes on searching. Ctrl-C ends it as a bound does: with the best so far.

    Args:
        validation: Judges.
        start: Where the search begins; what is not searched stays as it is here.
        file: Of the study.
        trials: Trainings that the study shall have in all.
        seconds: Bound on this run; None for none.
        seed: Of the search.
        on_trial: Told of trials finished and the best NDCG@10.

    Raises:
        InvalidInputError: The study is of other data, or the start leads to no model.
    """
    # Its own account of an interruption is a traceback.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    types = validation.signals
    # What a training would choose by itself is no gain of a search.
    start = validation.settled(start)
    study = _study(file, seed, _fingerprint(validation, start))
    first = validation.gains(start)

    def objective(trial: Trial) -> float:
        try:
            return float(validation.gains(_drawn(trial, start, types)).mean())
        except InvalidInputError as error:
            # No model comes of them: that is an outcome, and not the best.
            raise optuna.TrialPruned(str(error)) from error

    def told(study: optuna.Study, _trial: FrozenTrial) -> None:
        on_trial(_finished(study), max(_best(study), float(first.mean())))

    left = trials - _finished(study)
    if left > 0:
        with suppress(KeyboardInterrupt):
            study.optimize(objective, n_trials=left, timeout=seconds, callbacks=[told])
    if _best(study) <= float(first.mean()):
        best, gains = start, first
    else:
        best = _drawn(study.best_trial, start, types)
        gains = validation.gains(best)
    ratio = paired_bootstrap_ratio(gains, first, np.random.default_rng(seed))
    return Tuned(best, float(gains.mean()), float(first.mean()), ratio, _finished(study))


def _study(file: Path, seed: int, fingerprint: str) -> optuna.Study:
    try:
        storage = JournalStorage(JournalFileBackend(str(file)))
        study = optuna.create_study(
            study_name=_NAME, storage=storage, direction="maximize", load_if_exists=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInputError(
            "study", f"{file} can be no study ({error!r:.200}); name another file"
        ) from error
    known = study.user_attrs.setdefault("data", fingerprint)
    if known != fingerprint:
        raise InvalidInputError(
            "study",
            f"{file} is a study of other data, of another start or of another search; name another "
            "file, or delete it to begin anew",
        )
    study.set_user_attr("data", fingerprint)
    # Who goes on draws on: the same seed again would draw the same trials again.
    done = len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed + done)
    return study


def _fingerprint(validation: Validation, start: TrainingParameters) -> str:
    searched = f"{DIALS} {_RECENCY} {sorted(validation.signals)}"
    return sha256(f"{validation.fingerprint} {start} {searched}".encode()).hexdigest()


def _finished(study: optuna.Study) -> int:
    return sum(one.state in {TrialState.COMPLETE, TrialState.PRUNED} for one in study.trials)


def _best(study: optuna.Study) -> float:
    values = [one.value for one in study.trials if one.state == TrialState.COMPLETE]
    return max((value for value in values if value is not None), default=-1.0)


def _drawn(
    trial: Trial | FrozenTrial, start: TrainingParameters, types: set[str]
) -> TrainingParameters:
    drawn: dict[str, dict[str, float | int | None]] = {}
    for dial in DIALS:
        if not dial.types or dial.types & types:
            drawn.setdefault(dial.part, {})[dial.name] = _value(trial, dial)
    drawn["als"]["regularization"] = None
    parts = {name: replace(getattr(start, name), **values) for name, values in drawn.items()}
    recency = Recency()
    if trial.suggest_categorical(_RECENT, [True, False]):
        recency = Recency(**{dial.name: _value(trial, dial) for dial in _RECENCY})
    return replace(start, **parts, recency=recency)


def _value(trial: Trial | FrozenTrial, dial: Dial) -> float | int:
    if dial.whole:
        return trial.suggest_int(dial.key, int(dial.low), int(dial.high), log=dial.log)
    return trial.suggest_float(dial.key, dial.low, dial.high, log=dial.log)
