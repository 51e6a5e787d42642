"""Ablation: what each part of a model is worth, by leaving it out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from topshelf.damping import Damping
from topshelf.features import ConfidenceWeights
from topshelf.metrics import RatioInterval, paired_bootstrap_ratio
from topshelf.recency import Recency
from training.parameters import TrainingParameters
from training.validation import Validation

__all__ = ["Ablation", "ablate", "ablated"]


@dataclass(frozen=True, slots=True)
class Ablation:
    """What leaving one thing out costs.

    Attributes:
        name: What was left out; after a plus, what is off and was put in.
        ndcg: NDCG@10 so, on the validation split.
        ratio: NDCG@10 so over that of the parameters as they are, with its 95% interval.
    """

    name: str
    ndcg: float
    ratio: RatioInterval


def ablate(
    validation: Validation,
    parameters: TrainingParameters,
    types: set[str],
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Ablation]:
    """Leaves each part of a model out, in turn.

    Args:
        validation: Judges.
        parameters: Of the whole.
        types: Signals of the data, see Validation: the weights of others cannot matter.
        on_done: Told of trainings done, and of how many there are.
    """
    variants = list(ablated(parameters, types))
    whole = validation.gains(parameters)
    on_done(1, len(variants) + 1)
    found = []
    for done, (name, variant) in enumerate(variants, start=2):
        gains = validation.gains(variant)
        ratio = paired_bootstrap_ratio(gains, whole, np.random.default_rng(0))
        found.append(Ablation(name, float(gains.mean()), ratio))
        on_done(done, len(variants) + 1)
    return found


def ablated(
    parameters: TrainingParameters, types: set[str]
) -> Iterator[tuple[str, TrainingParameters]]:
    """What can be left out of these parameters or is off, and the parameters then.

    A weight is not set to nothing but made the same whatever was watched or rated: the mean of its
    ends. Leaving an event out altogether would ask other viewers for other items.
    """
    if parameters.recency != Recency():
        yield "recency", replace(parameters, recency=Recency())
    if parameters.damping.items or parameters.damping.users:
        yield "damping", replace(parameters, damping=Damping())
    if parameters.als.exponent:
        # Another exponent needs another scale: the data's own.
        als = replace(parameters.als, exponent=0.0, regularization=None)
        yield "lambda by what is known of a row", replace(parameters, als=als)
    weights = parameters.confidence
    if "watch" in types:
        usual = (weights.watch_floor + weights.watch_full) / 2
        flat = replace(weights, watch_floor=usual, watch_full=usual)
        yield "watched fraction", replace(parameters, confidence=flat)
    if "rating" in types:
        usual = (weights.rating_floor + weights.rating_top) / 2
        flat = replace(weights, rating_floor=usual, rating_top=usual)
        yield "ratings' own scale", replace(parameters, confidence=flat)
    if "watch" in types:
        yield _switched(parameters, "rewatched", 0.5, "rewatching")
    if "rating" in types:
        yield _switched(parameters, "rating_centred", 1.0, "ratings centred per viewer")
    if "impression" in types:
        yield _switched(parameters, "unclicked", 0.3, "exposures without a click")
    if len(types - {"impression"}) > 1:
        yield "kinds of events", replace(parameters, confidence=_alike(weights))


def _switched(
    parameters: TrainingParameters, weight: str, usual: float, name: str
) -> tuple[str, TrainingParameters]:
    """Without what may be off; with a usual weight, and a plus before its name, where it is."""
    is_on = getattr(parameters.confidence, weight) > 0
    other: dict[str, Any] = {weight: 0.0 if is_on else usual}
    confidence = replace(parameters.confidence, **other)
    return name if is_on else f"+ {name}", replace(parameters, confidence=confidence)


def _alike(weights: ConfidenceWeights) -> ConfidenceWeights:
    ends = (weights.watch_floor, weights.watch_full, weights.rating_floor, weights.rating_top)
    usual = float(np.mean([weights.view, *ends]))
    return replace(
        weights,
        view=usual,
        other=usual,
        watch_floor=usual,
        watch_full=usual,
        rating_floor=usual,
        rating_top=usual,
    )
