"""The simulated platform: exact, reproducible, within the contract, and worth personalising."""

import io
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.simulator import SimulatorOptions, catalogue, interactions, write_lines
from infra.simulator import lines as simulator_lines
from infra.simulator.world import GENRES
from topshelf.errors import InvalidInputError
from topshelf.events import Interaction, encode_line, parse_line

SMALL = SimulatorOptions(viewers=400, movies=120, interactions=8_000, days=14)


def lines(options: SimulatorOptions) -> bytes:
    out = io.BytesIO()
    write_lines(options, out)
    return out.getvalue()


def test_the_lines_are_the_interactions() -> None:
    written = lines(SMALL)
    assert written == b"".join(map(encode_line, interactions(SMALL)))
    assert lines(SMALL) == written


def test_every_event_is_within_the_contract() -> None:
    for event in interactions(SMALL):
        assert parse_line(encode_line(event)) == event


@pytest.mark.parametrize("change", [{"seed": 8}, {"days": 15}, {"interactions": 8_001}])
def test_other_options_give_other_events(change: dict[str, Any]) -> None:
    values = {"viewers": 400, "movies": 120, "interactions": 8_000, "days": 14} | change
    other = {event.event_id for event in interactions(SimulatorOptions(**values))}
    assert not other & {event.event_id for event in interactions(SMALL)}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 3), st.data())
def test_exactly_as_many_as_asked_for(viewers: int, movies: int, days: int, data: Any) -> None:
    total = data.draw(st.integers(1, viewers * movies))
    options = SimulatorOptions(viewers=viewers, movies=movies, interactions=total, days=days)
    events = list(interactions(options))
    assert len(events) == total
    assert len({event.event_id for event in events}) == total
    each = Counter(event.user_id for event in events)
    assert max(each.values()) <= movies
    assert min(each[f"v{row:06d}"] for row in range(viewers)) >= min(3, movies, total // viewers)
    assert {event.item_id for event in events} <= {f"m{row:05d}" for row in range(movies)}
    views = Counter((e.user_id, e.item_id) for e in events if e.event_type == "view")
    assert set(views.values()) == {1}


def test_the_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_lines, "_BLOCK_EVENTS", 500)
    events = list(interactions(SMALL))
    assert len(events) == 8_000
    assert [event.event_id for event in events] == sorted(str(event.event_id) for event in events)
    viewers = [str(event.user_id) for event in events]
    assert viewers == sorted(viewers)
    assert len(set(viewers)) == 400


def test_a_view_comes_first_then_the_watch_then_the_rating() -> None:
    by_pair: dict[tuple[str | None, str], list[Interaction]] = defaultdict(list)
    for event in interactions(SMALL):
        by_pair[event.user_id, event.item_id].append(event)
    kinds = Counter(tuple(event.event_type for event in events) for events in by_pair.values())
    assert set(kinds) == {("view",), ("view", "watch"), ("view", "watch", "rating")}
    # The share of each is near the odds of 1/4, 1/2 and 1/4, cut visits aside.
    assert kinds["view", "watch"] > kinds["view", "watch", "rating"] > 0.15 * len(by_pair)
    for events in by_pair.values():
        times = [event.timestamp for event in events]
        assert times == sorted(times)
        assert len({event.session_id for event in events}) == 1


def test_values_are_on_their_scales_and_better_liked_movies_are_watched_longer() -> None:
    fractions: dict[tuple[str | None, str], float] = {}
    ratings: dict[tuple[str | None, str], float] = {}
    for event in interactions(SMALL):
        pair = (event.user_id, event.item_id)
        if event.event_type == "watch":
            assert event.event_value is not None
            fractions[pair] = event.event_value
        if event.event_type == "rating":
            assert event.event_value in {half / 2 for half in range(1, 11)}
            ratings[pair] = event.event_value
    both = np.array([(fractions[pair], rating) for pair, rating in ratings.items()])
    assert np.corrcoef(both.T)[0, 1] > 0.2
    assert len(set(ratings.values())) >= 6


def test_events_lie_in_the_period_and_evenings_are_full() -> None:
    times = np.array([event.timestamp for event in interactions(SMALL)])
    assert SMALL.start_ms <= times.min()
    assert times.max() <= SMALL.end_ms
    assert len(set((times // 86_400_000).tolist())) >= 14
    hours = np.bincount(times // 3_600_000 % 24, minlength=24)
    assert hours[18:23].mean() > 4 * hours[3:7].mean()


def test_a_session_is_an_evening_and_not_a_week() -> None:
    sessions: dict[str | None, list[int]] = defaultdict(list)
    for event in interactions(SMALL):
        sessions[event.session_id].append(event.timestamp)
    assert len(sessions) > 1_000
    assert max(max(times) - min(times) for times in sessions.values()) < 86_400_000


def test_the_catalogue_reads_well() -> None:
    movies = catalogue(SimulatorOptions(movies=27_000))
    assert [movie.item_id for movie in movies[:2]] == ["m00000", "m00001"]
    assert movies[-1].item_id == "m26999"
    assert len({movie.title for movie in movies}) == 27_000
    assert {genre for movie in movies for genre in movie.genres} == set(GENRES)
    assert {len(movie.genres) for movie in movies} == {1, 2, 3}
    years = [movie.year for movie in movies if movie.year is not None]
    assert len(years) == 27_000
    assert min(years) >= 1930
    assert max(years) <= 2026
    assert movies == catalogue(SimulatorOptions(movies=27_000, viewers=9, interactions=9))


def test_the_period_ends_when_told() -> None:
    end = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)
    options = SimulatorOptions(viewers=50, movies=20, interactions=500, days=1, end=end)
    times = [event.timestamp for event in interactions(options)]
    assert min(times) >= int(end.timestamp() * 1000) - 86_400_000
    assert max(times) <= int(end.timestamp() * 1000)


def test_progress_reaches_the_total() -> None:
    told: list[int] = []
    options = SimulatorOptions(viewers=9_000, movies=50, interactions=20_000)
    write_lines(options, io.BytesIO(), told.append)
    assert told == sorted(told)
    assert told[-1] == 20_000
    assert len(told) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"viewers": 0}, "viewers"),
        ({"viewers": 1_000_001}, "viewers"),
        ({"movies": 0}, "movies"),
        ({"movies": 27_001}, "movies"),
        ({"interactions": 0}, "interactions"),
        ({"interactions": 50_000_001}, "interactions"),
        ({"viewers": 3, "movies": 5, "interactions": 16}, "interactions"),
        ({"days": 0}, "days"),
        ({"days": 3_651}, "days"),
        ({"seed": -1}, "seed"),
        ({"end": datetime(2026, 1, 1)}, "end"),  # noqa: DTZ001
        ({"end": datetime(1980, 1, 1, tzinfo=UTC)}, "end"),
    ],
)
def test_what_is_out_of_bounds_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field) as caught:
        SimulatorOptions(**change)
    assert caught.value.field == field


def test_a_personal_model_beats_popularity_clearly() -> None:
    options = SimulatorOptions(viewers=3_000, movies=400, interactions=60_000)
    rng = np.random.default_rng(1)
    pairs = {(e.user_id or "", e.item_id) for e in interactions(options)}
    seen = np.zeros((3_000, 400), bool)
    for user, item in pairs:
        seen[int(user[1:]), int(item[1:])] = True
    held = seen & (rng.random(seen.shape) < 0.25)
    history = (seen & ~held).astype(np.float32)
    # Cosine between the columns: the simplest personal model.
    norms = np.sqrt(history.sum(axis=0)) + 1
    similar = history.T @ history / np.outer(norms, norms)
    np.fill_diagonal(similar, 0)

    def recall(scores: np.ndarray[Any, Any]) -> float:
        masked = np.where(history > 0, -1.0, scores)
        top = np.argsort(-masked, axis=1)[:, :10]
        targets = held.sum(axis=1)
        found = np.take_along_axis(held, top, axis=1).sum(axis=1)
        some = targets > 0
        return float((found[some] / np.minimum(targets[some], 10)).mean())

    personal = recall(history @ similar)
    popular = recall(np.broadcast_to(history.sum(axis=0), seen.shape))
    assert popular > 0.1
    assert personal > 1.5 * popular
