import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.events import Interaction
from topshelf.features import (
    ConfidenceWeights,
    bound_history,
    combine_evidence,
    confidences_of,
    merge_history,
)


def event(event_type: str, value: float | None = None, timestamp: int = 10**12) -> Interaction:
    return Interaction(
        item_id="m1", event_type=event_type, timestamp=timestamp, user_id="u1", event_value=value
    )


def of(event_type: str, value: float | None = None, **weights: float) -> float:
    return float(
        confidences_of([event(event_type, value)], ConfidenceWeights(**{"alpha": 1.0, **weights}))[
            0
        ]
    )


def combine(*events: Interaction) -> float:
    evidence = combine_evidence(
        np.zeros(len(events), dtype=np.int64),
        np.array([e.timestamp for e in events]),
        np.array([e.event_type == "rating" for e in events]),
        confidences_of(events, ConfidenceWeights(alpha=1.0)),
    )
    return float(evidence.confidences[0])


@pytest.mark.parametrize(
    ("event_type", "value", "expected"),
    [
        ("view", None, 1.3),
        ("watch", 0.0, 1.1),
        ("watch", 0.5, 1.55),
        ("watch", 1.0, 2.0),
        ("rating", 0.5, 1.1),
        ("rating", 2.75, 1.55),
        ("rating", 5.0, 2.0),
        ("purchase", 7.0, 1.3),
    ],
)
def test_confidence_is_one_plus_alpha_times_strength(
    event_type: str, value: float | None, expected: float
) -> None:
    assert of(event_type, value) == pytest.approx(expected, abs=1e-3)


def test_a_short_watch_and_a_low_rating_are_weak_but_positive() -> None:
    assert 1.0 < of("watch", 0.01) < of("view")
    assert 1.0 < of("rating", 0.5) < of("rating", 4.0)


def test_ratings_are_read_on_the_scale_of_the_platform() -> None:
    assert of("rating", 10, rating_min=0, rating_max=10) == 2.0
    assert of("rating", 0, rating_min=0, rating_max=10, rating_floor=0.0) == 1.0


def test_confidences_survive_float16() -> None:
    values = confidences_of(
        [event("watch", i / 97) for i in range(98)], ConfidenceWeights(alpha=1.0)
    )
    assert (values.astype(np.float16).astype(np.float32) == values).all()


def test_weights_are_checked() -> None:
    with pytest.raises(ValueError, match="negative"):
        ConfidenceWeights(view=-0.1)
    with pytest.raises(ValueError, match="rating_min"):
        ConfidenceWeights(rating_min=5, rating_max=5)


def test_the_strongest_watch_stands_whatever_the_order() -> None:
    reports = [
        event("watch", 0.2),
        event("watch", 0.9, 10**12 + 1),
        event("watch", 0.4, 10**12 + 2),
    ]
    assert combine(*reports) == combine(*reversed(reports)) == of("watch", 0.9)


def test_a_rating_replaces_what_came_before_and_later_watches_count_again() -> None:
    watched, rated = event("watch", 1.0), event("rating", 0.5, 10**12 + 5)
    assert combine(watched, rated) == of("rating", 0.5)
    assert combine(watched, rated, event("watch", 0.6, 10**12 + 9)) == of("watch", 0.6)
    assert combine(rated, event("rating", 4.0, 10**12 + 6)) == of("rating", 4.0)


def test_no_events_are_no_evidence() -> None:
    nothing = combine_evidence(
        np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0, np.float32)
    )
    assert len(nothing.pairs) == len(nothing.confidences) == 0


kinds = st.one_of(
    st.tuples(st.just("watch"), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.tuples(st.just("rating"), st.sampled_from([0.5, 2.5, 5.0])),
    st.tuples(st.just("view"), st.none()),
)
streams = st.lists(st.tuples(st.integers(0, 4), kinds), min_size=1, max_size=12)


def evidence_of(stream: list[tuple[int, tuple[str, float | None]]], start: int):  # type: ignore[no-untyped-def]
    events = [event(*kind, timestamp=10**12 + start + i) for i, (_, kind) in enumerate(stream)]
    return combine_evidence(
        np.array([row for row, _ in stream], dtype=np.int64),
        np.array([e.timestamp for e in events]),
        np.array([e.event_type == "rating" for e in events]),
        confidences_of(events, ConfidenceWeights(alpha=1.0)),
    )


@given(streams, streams)
def test_a_refresh_continues_where_training_stopped_and_may_be_repeated(old, new) -> None:  # type: ignore[no-untyped-def]
    at_once = evidence_of(old + new, 0)
    trained, newer = evidence_of(old, 0), evidence_of(new, len(old))
    merged = merge_history(trained.pairs, trained.confidences, newer)
    assert merged[0].tolist() == at_once.pairs.tolist()
    assert merged[1].tolist() == at_once.confidences.tolist()
    again = merge_history(*merged, newer)
    assert again[1].tolist() == merged[1].tolist()


def test_a_bounded_history_keeps_the_newest_then_the_most_confident() -> None:
    rows = np.array([1, 2, 3, 4, 5])
    confidences = np.array([1.5, 1.9, 1.1, 1.5, 1.2], dtype=np.float32)
    kept, theirs = bound_history(rows, confidences, np.array([3]), limit=3)
    assert kept.tolist() == [1, 2, 3]
    assert theirs.tolist() == confidences[:3].tolist()
    assert bound_history(rows, confidences, np.array([3]), limit=5)[0] is rows
