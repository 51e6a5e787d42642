"""Confidence: how surely an interaction says that the viewer wants such items.

The model of Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets"
(ICDM 2008): every pair of viewer and item has preference 1 if it was observed and 0 if not, and a
confidence in that preference, ``1 + alpha * strength`` where observed (section 3) and 1 elsewhere.
What was observed is always positive: a title left after two minutes was still chosen, so it is weak
evidence, not a "no".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topshelf.events import Interaction

__all__ = [
    "ConfidenceWeights",
    "Evidence",
    "combine_evidence",
    "confidences_of",
    "event_confidences",
    "on_grid",
]

MAX_CONFIDENCE = 65_504.0
"""The greatest float16: a history is packed as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceWeights:
    """Strength of each kind of event; a confidence is ``1 + alpha * strength``.

    Attributes:
        alpha: Weight of observed over unobserved pairs: 1/alpha_0 of Rendle et al. (2021, arXiv
            2110.14037). Hu et al. used 40 for minutes watched; with strengths of at most 1 and
            films seen once, 1.5 is near the best on small and large MovieLens sets alike.
        view: Strength of opening an item's page.
        watch_floor: Strength of a watch of fraction 0.
        watch_full: Strength of a watch of fraction 1; linear between.
        watch_abandoned: A watch of a smaller fraction counts as one of fraction 0: left, not
            disliked. 0 for none.
        watch_completed: A watch of this fraction or more counts as one of fraction 1: who leaves
            at the credits has seen it. 1 for none but the whole.
        rewatched: Added to the strength of a watch on a later day (UTC) than the first event of
            the same viewer and item: who comes back wanted it.
        rating_floor: Strength of the lowest rating.
        rating_top: Strength of the highest rating; linear between.
        rating_centred: Share of a viewer's own leniency that is taken off each rating before its
            strength is read, see topshelf.leniency: 1 for all of it, 0 for ratings as they are.
        other: Strength of any other event type.
        unclicked: Strength of what was shown often and never taken: a confidence of
            ``1 + alpha * unclicked`` in a preference of 0, which the factors are learned with; 0 to
            look at nothing that was shown.
        unclicked_from: Showings that are often.
        rating_min: Lowest rating of the platform's scale.
        rating_max: Highest rating of the platform's scale.
    """

    alpha: float = 1.5
    view: float = 0.3
    watch_floor: float = 0.1
    watch_full: float = 1.0
    watch_abandoned: float = 0.0
    watch_completed: float = 1.0
    rewatched: float = 0.0
    rating_floor: float = 0.1
    rating_top: float = 1.0
    rating_centred: float = 0.0
    other: float = 0.3
    unclicked: float = 0.0
    unclicked_from: int = 3
    rating_min: float = 0.5
    rating_max: float = 5.0

    def __post_init__(self) -> None:
        watches = (self.watch_floor, self.watch_full)
        ratings = (self.rating_floor, self.rating_top)
        others = (self.alpha, self.view, self.other, self.rewatched, self.unclicked)
        lowest = min(*others, *watches, *ratings)
        if lowest < 0 or self.rating_max <= self.rating_min:
            raise ValueError(f"weights must not be negative, and rating_min < rating_max: {self}")
        if not 0 <= self.watch_abandoned < self.watch_completed <= 1:
            raise ValueError(f"0 <= watch_abandoned < watch_completed <= 1 must hold: {self}")
        strongest = max(self.view, self.other, *watches, *ratings) + self.rewatched
        if not 1 + self.alpha * max(strongest, self.unclicked) <= MAX_CONFIDENCE:
            raise ValueError(f"no confidence may be above {MAX_CONFIDENCE:,.0f}: {self}")
        if not 0 <= self.rating_centred <= 1:
            raise ValueError(f"rating_centred must be 0..1: {self}")
        if self.unclicked_from < 1:
            raise ValueError(f"unclicked_from must be at least 1: {self}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the events of some pairs come to, one entry a pair.

    Attributes:
        pairs: Distinct pair numbers, ascending, int64, (g,).
        confidences: float32, (g,), each a value that float16 holds exactly.
        rated: Whether a rating is among the events: it overrides older evidence; bool, (g,).
        last_times: Newest event of each pair, UTC milliseconds, int64, (g,).
    """

    pairs: NDArray[np.int64]
    confidences: NDArray[np.float32]
    rated: NDArray[np.bool_]
    last_times: NDArray[np.int64]


def event_confidences(
    types: NDArray[np.str_],
    values: NDArray[np.float64],
    weights: ConfidenceWeights,
    leniencies: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float32]:
    """The confidence of each event.

    Args:
        types: Event types, (n,).
        values: Event values, (n,); read for ``watch`` and ``rating`` alone, held to the scale.
        weights: The strengths.
        leniencies: Of each event's viewer, (n,), or one for all; see topshelf.leniency.

    Returns:
        (n,), at least 1, rounded to float16's grid: a history is packed as float16, and what a
        refresh reads back must be what the training used.
    """
    watched = np.where(values < weights.watch_abandoned, 0.0, np.clip(values, 0.0, 1.0))
    watched[values >= weights.watch_completed] = 1.0
    span = weights.rating_max - weights.rating_min
    meant = values - weights.rating_centred * leniencies
    liked = np.clip((meant - weights.rating_min) / span, 0.0, 1.0)
    strengths = np.select(
        [types == "view", types == "watch", types == "rating"],
        [
            np.full(len(values), weights.view),
            weights.watch_floor + (weights.watch_full - weights.watch_floor) * watched,
            weights.rating_floor + (weights.rating_top - weights.rating_floor) * liked,
        ],
        weights.other,
    )
    return on_grid(1.0 + weights.alpha * strengths)


def on_grid(confidences: NDArray[np.floating]) -> NDArray[np.float32]:
    """Confidences as float16 holds them, float32, of any shape."""
    return confidences.astype(np.float16).astype(np.float32)


def confidences_of(
    events: Sequence[Interaction], weights: ConfidenceWeights, leniency: float = 0.0
) -> NDArray[np.float32]:
    """The confidence of each interaction of a viewer, (n,); see event_confidences."""
    values = [np.nan if e.event_value is None else e.event_value for e in events]
    return event_confidences(
        np.array([e.event_type for e in events], dtype=np.str_),
        np.array(values, dtype=np.float64),
        weights,
        leniency,
    )


def combine_evidence(
    pairs: NDArray[np.int64],
    timestamps: NDArray[np.int64],
    rated: NDArray[np.bool_],
    confidences: NDArray[np.float32],
) -> Evidence:
    """Combines several events of the same pair.

    In order of time a rating replaces what came before it, because it is the viewer's own word;
    of anything else the strongest event stands (progress reports of one watch are not several
    watches). Applied again to its own result it changes nothing, so a stream that delivers an event
    twice does no harm, and a refresh continues where the training stopped.

    Args:
        pairs: Which pair of viewer and item each event belongs to, (n,), in any order.
        timestamps: UTC milliseconds, (n,). At equal times ratings are last, by confidence.
        rated: Whether the event is a rating, (n,).
        confidences: (n,).

    Returns:
        One entry for each distinct pair; independent of the order of the arguments' rows.
    """
    order = np.lexsort((confidences, rated, timestamps, pairs))
    pairs, timestamps = pairs[order], timestamps[order]
    rated, confidences = rated[order], confidences[order]
    distinct, starts, counts = np.unique(pairs, return_index=True, return_counts=True)
    if len(distinct) == 0:
        return Evidence(distinct, confidences, rated, timestamps)
    positions = np.arange(len(pairs))
    last_rating = np.maximum.reduceat(np.where(rated, positions, -1), starts)
    stands = positions >= np.repeat(last_rating, counts)
    best = np.maximum.reduceat(np.where(stands, confidences, np.float32(0)), starts)
    return Evidence(distinct, best, last_rating >= 0, timestamps[starts + counts - 1])
