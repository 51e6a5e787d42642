import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.events import Interaction
from topshelf.features import ConfidenceWeights, Evidence, combine_evidence, confidences_of
from topshelf.history import bound_history, merge_history


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


def test_from_completion_on_a_watch_counts_full_and_below_abandonment_as_opened() -> None:
    bounds = {"watch_abandoned": 0.05, "watch_completed": 0.9}
    assert [of("watch", value, **bounds) for value in (0.9, 0.95, 1.0)] == [2.0] * 3
    left = of("watch", 0.0, **bounds)
    assert left == pytest.approx(1.1, abs=1e-3)
    assert of("watch", 0.04, **bounds) == left
    assert of("watch", 0.05, **bounds) == pytest.approx(1.145, abs=1e-3)
    assert of("watch", 0.5, **bounds) == pytest.approx(1.55, abs=1e-3)


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
    for bounds in ((0.9, 0.9), (-0.1, 0.9), (0.1, 1.1)):
        with pytest.raises(ValueError, match="watch_abandoned < watch_completed"):
            ConfidenceWeights(watch_abandoned=bounds[0], watch_completed=bounds[1])
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
    oldest_first = np.argsort(trained.last_times)
    history = trained.pairs[oldest_first], trained.confidences[oldest_first]
    merged = merge_history(*history, newer, int(trained.last_times.max()))
    oldest_first = np.argsort(at_once.last_times)
    assert merged[0].tolist() == at_once.pairs[oldest_first].tolist()
    assert merged[1].tolist() == at_once.confidences[oldest_first].tolist()
    again = merge_history(*merged, newer, int(newer.last_times.max()))
    assert again[0].tolist() == merged[0].tolist()
    assert again[1].tolist() == merged[1].tolist()


def evidence(*entries: tuple[int, float, int], rated: bool = False) -> Evidence:
    """Of rows, confidences and times."""
    rows, confidences, times = zip(*entries, strict=True)
    return Evidence(
        np.array(rows, dtype=np.int64),
        np.array(confidences, dtype=np.float32),
        np.full(len(rows), rated),
        np.array(times, dtype=np.int64),
    )


HISTORY = np.array([7, 3, 5]), np.array([2.0, 1.5, 1.25], dtype=np.float32)


def merged_with(newer: Evidence, known_until: int = 100) -> list[tuple[int, float]]:
    rows, confidences = merge_history(*HISTORY, newer, known_until)
    return list(zip(rows.tolist(), confidences.tolist(), strict=True))


def test_what_is_new_comes_last_in_order_of_time_and_of_equal_times_by_row() -> None:
    newer = evidence((1, 1.5, 130), (4, 2.0, 120), (9, 1.75, 120))
    expected = [(7, 2.0), (3, 1.5), (5, 1.25), (4, 2.0), (9, 1.75), (1, 1.5)]
    assert merged_with(newer) == expected


def test_who_watches_again_moves_the_item_to_the_end_and_keeps_the_stronger_evidence() -> None:
    assert merged_with(evidence((7, 1.25, 101))) == [(3, 1.5), (5, 1.25), (7, 2.0)]
    assert merged_with(evidence((7, 2.5, 101))) == [(3, 1.5), (5, 1.25), (7, 2.5)]


def test_evidence_that_is_not_newer_than_the_history_moves_nothing() -> None:
    assert merged_with(evidence((7, 1.25, 100))) == [(7, 2.0), (3, 1.5), (5, 1.25)]
    assert merged_with(evidence((7, 2.5, 100))) == [(7, 2.5), (3, 1.5), (5, 1.25)]


def test_late_evidence_of_an_item_that_the_history_does_not_hold_goes_to_the_end() -> None:
    late = evidence((1, 1.5, 40))
    once = merge_history(*HISTORY, late, 100)
    assert once[0].tolist() == [7, 3, 5, 1]
    assert merge_history(*once, late, 100)[0].tolist() == [7, 3, 5, 1]


def test_a_newer_rating_replaces_what_the_history_holds() -> None:
    assert merged_with(evidence((7, 1.25, 101), rated=True))[-1] == (7, 1.25)


def test_a_rating_that_is_not_newer_takes_nothing_back() -> None:
    assert merged_with(evidence((7, 1.25, 99), rated=True))[0] == (7, 2.0)
    assert merged_with(evidence((7, 2.25, 99), rated=True))[0] == (7, 2.25)


def test_a_bounded_history_keeps_the_newest() -> None:
    kept, theirs = bound_history(*HISTORY, limit=2)
    assert kept.tolist() == [3, 5]
    assert theirs.tolist() == [1.5, 1.25]
    assert bound_history(*HISTORY, limit=3)[0].tolist() == [7, 3, 5]
    assert bound_history(*HISTORY)[0].tolist() == [7, 3, 5]
