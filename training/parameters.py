"""What decides what a model looks like, besides the data; and as a file, as tuning writes it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from topshelf.damping import Damping
from topshelf.errors import InvalidInputError
from topshelf.features import ConfidenceWeights
from topshelf.recency import Recency
from training.als import ALSParameters
from training.stages import Reranking
from training.study import StudyOptions

__all__ = ["TrainingParameters", "parameters_of", "parameters_text"]

_PARTS = ("als", "confidence", "recency", "damping")
_GREATEST = 2.0**53
_NOT_GIVEN = {"damping": {"usual_history"}}
"""What the data says, and nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParameters:
    """Everything that decides what a model looks like, besides the data.

    Attributes:
        als: Of the factorization.
        confidence: Strength of each kind of event.
        recency: How the taste that is served leans on the end of a history. Validation NDCG@10
            without and with this default: ml-latest-small .129 and .136, MovieLens 100k .166 and
            .199, 1M .116 and .146; with the newest eighth of each history unknown .088 and .092,
            .118 and .135, .090 and .098 (make bench-recency).
        damping: How evidence that many give is held back.
        reranking: Stages that put lists into another order.
        study: How much the report studies.
    """

    als: ALSParameters = field(default_factory=ALSParameters)
    confidence: ConfidenceWeights = field(default_factory=ConfidenceWeights)
    recency: Recency = field(default_factory=lambda: Recency(half_life=5.0, gain=4.0))
    damping: Damping = field(default_factory=Damping)
    reranking: Reranking = field(default_factory=Reranking)
    study: StudyOptions = field(default_factory=StudyOptions)


def parameters_of(text: str, base: TrainingParameters) -> TrainingParameters:
    """Reads parameters: those that are named replace the base's.

    Args:
        text: JSON: an object of ``als``, ``confidence``, ``recency`` and ``damping``, each an
            object of names and numbers.
        base: Holds for what is not named.

    Raises:
        InvalidInputError: It is no such text; the field is named.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("parameters", f"this is not JSON: {str(error)[:200]}") from error
    if not isinstance(given, dict):
        raise InvalidInputError("parameters", f"an object of {', '.join(_PARTS)} is wanted")
    parts = {}
    for name, values in given.items():
        if name not in _PARTS:
            raise _unknown(name, _PARTS)
        parts[name] = _part(name, getattr(base, name), values)
    return replace(base, **parts)


def parameters_text(parameters: TrainingParameters) -> str:
    """What parameters_of reads, indented."""
    told = {
        name: {
            key: value
            for key, value in asdict(getattr(parameters, name)).items()
            if key not in _NOT_GIVEN.get(name, ())
        }
        for name in _PARTS
    }
    return json.dumps(told, indent=2) + "\n"


def _part(name: str, base: Any, values: object) -> Any:
    if not isinstance(values, Mapping):
        raise InvalidInputError(name, "an object of names and numbers is wanted")
    hidden = _NOT_GIVEN.get(name, set())
    kinds = get_type_hints(type(base))
    known = [one.name for one in fields(base) if one.name not in hidden]
    for key, value in values.items():
        if key not in known:
            raise _unknown(f"{name}.{key}", [f"{name}.{one}" for one in known])
        _check(f"{name}.{key}", value, get_args(kinds[key]) or (kinds[key],))
    try:
        return replace(base, **values)
    except ValueError as error:
        raise InvalidInputError(name, str(error)) from error


def _check(name: str, value: object, kinds: tuple[type, ...]) -> None:
    if value is None and type(None) in kinds:
        return
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or (isinstance(value, float) and float in kinds)
    if number and abs(value) < _GREATEST:  # type: ignore[arg-type]
        return
    wanted = "a number" if float in kinds else "a whole number"
    other = " or null" if type(None) in kinds else ""
    raise InvalidInputError(name, f"{wanted}{other} is wanted, not {json.dumps(value)[:40]}")


def _unknown(name: str, known: "list[str] | tuple[str, ...]") -> InvalidInputError:
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    return InvalidInputError(name[:60], f"there is no parameter {name[:60]}{hint}")
