"""A refresh makes the list that a batch with the same factors makes of the same history."""

from dataclasses import asdict, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.fakes.model_ports import FakeFactorStore, FakeRegistry, FakeTopKStore
from tests.unit.test_publish import lists_of
from topshelf.damping import Damping
from topshelf.events import Interaction
from topshelf.features import ConfidenceWeights
from topshelf.manifest import DataSnapshot
from topshelf.recency import Recency
from topshelf.refresh import ListRefresh, LiveModel
from topshelf.topk import TopKList, unpack_history, unpack_scores
from training.als import ALSParameters, fit_als
from training.exposures import shown_by
from training.interactions import Interactions, build_interactions, clean_events
from training.lake import frame_of
from training.publish import TrainedModel, publish
from training.selection import timeline_of, weighing_for
from training.viewer_lists import viewer_lists

AT = 1_767_225_600_000
USERS, ITEMS, EVENTS, NEW, SHOWN = 40, 130, 1600, 8, 3
RECENCY = Recency(half_life=3.0, gain=4.0, restraint=2.0)
DAMPING = Damping(items=0.3, users=0.4)
ALS = ALSParameters(factors=6, iterations=3, regularization=2.0)
WEIGHTS = ConfidenceWeights(rewatched=0.5, unclicked=0.5, unclicked_from=2)
DAY = 86_400_000


def event_of(rng: np.random.Generator, number: int, user: int) -> Interaction:
    """Any of the three kinds; titles come again and again, two events share each time.

    What the training knows spans four days; of what is new there are three events a day. Showings
    are known to the training alone: a refresh does not count them.
    """
    kind = ("view", "watch", "rating")[rng.integers(3)]
    shown = np.random.default_rng(number).permutation(ITEMS)[: SHOWN * (number < EVENTS)]
    value = {"view": None, "watch": rng.random(), "rating": rng.integers(1, 11) / 2}[kind]
    return Interaction(
        item_id=f"m{rng.integers(ITEMS):03d}",
        event_type=kind,
        timestamp=AT + number // 2 * (DAY // 200) + max(0, number - EVENTS) // 3 * DAY,
        user_id=f"u{user:02d}",
        event_value=None if value is None else float(value),
        impression=tuple(f"m{item:03d}" for item in shown),
    )


def events_of(seed: int = 4) -> tuple[list[Interaction], dict[str, list[Interaction]]]:
    """What the training knows, and what viewers do after it: new titles and known ones."""
    rng = np.random.default_rng(seed)
    known = [event_of(rng, number, int(rng.integers(USERS))) for number in range(EVENTS)]
    titles = {event.item_id for event in known}
    news = {}
    for user in range(USERS):
        made = [event_of(rng, EVENTS + number, user) for number in range(NEW)]
        news[f"u{user:02d}"] = [event for event in made if event.item_id in titles]
    return known, news


def data_of(events: list[Interaction]) -> Interactions:
    cleaned = clean_events(frame_of(events), shown_by(events))
    return build_interactions(cleaned.events, WEIGHTS, cleaned.shown)


class Released:
    """A model of the known events, its lists, and a refresh of them."""

    def __init__(self) -> None:
        known, self.news = events_of()
        self.known = known
        self.data = data_of(known)
        timeline = timeline_of(self.data)
        self.weighing = weighing_for(timeline, RECENCY, DAMPING)
        weights = self.weighing.fitted(timeline.rows, timeline.confidences, timeline.indptr)
        self.factors = fit_als(
            timeline.matrix(weights),
            ALS,
            lambda _: None,
            recency=RECENCY,
            unclicked=timeline.unclicked(),
        )
        told = {
            "als": asdict(ALS),
            "confidence": asdict(WEIGHTS),
            "recency": asdict(RECENCY),
            "damping": asdict(self.weighing.damping),
        }
        model = TrainedModel(
            data=self.data,
            factors=self.factors,
            metrics={},
            counts={},
            catalogue={},
            snapshot=DataSnapshot(taken_at=1, newest_event=2, objects={}),
            git_commit="abc",
            parameters=told,
            seed=42,
            parent_version=None,
            weighing=self.weighing,
        )
        store, self.lists = FakeFactorStore(), FakeTopKStore()
        self.version = publish(
            model, store, datetime(2026, 2, 1, tzinfo=UTC), lambda *_: None
        ).version
        self.made = lists_of(store.of(self.version))
        for user_id, ready in self.made.items():
            self.lists.lists[self.version, user_id] = ready
        self.refresh = ListRefresh(
            lists=self.lists, artefacts=store, registry=FakeRegistry(self.version)
        )
        found = self.refresh.live_model()
        assert found is not None
        self.model: LiveModel = found

    def list_of(self, user_id: str) -> TopKList:
        return self.lists.lists[self.version, user_id]

    def batch(self, events: list[Interaction]) -> dict[str, TopKList]:
        """The lists that the training would make of more events with the factors it has."""
        data = data_of(events)
        assert data.items == self.data.items
        return dict(viewer_lists(data, self.factors, lambda *_: None, self.weighing))


@pytest.fixture
def released() -> Released:
    return Released()


def test_events_that_the_training_knew_change_nothing(released: Released) -> None:
    for user_id in released.data.users.ids:
        own = [event for event in released.known if event.user_id == user_id]
        assert released.refresh.refresh(released.model, user_id, own) == "unchanged"
    assert released.lists.writes == 0


def test_of_the_same_history_a_refresh_makes_the_list_of_the_training(released: Released) -> None:
    user_id = "u05"
    before = released.made[user_id]
    # As if it did not know the time of the newest event: the list is made anew of what it holds.
    stored = replace(before, generated_at=before.generated_at - 1)
    released.lists.lists[released.version, user_id] = stored
    last = unpack_history(before.history)[0][-1]
    late = Interaction(
        item_id=released.data.items.ids[last],
        event_type="view",
        timestamp=before.generated_at,
        user_id=user_id,
    )
    assert released.refresh.refresh(released.model, user_id, [late]) == "refreshed"
    after = released.list_of(user_id)
    assert (after.items, after.scores, after.because) == (
        before.items,
        before.scores,
        before.because,
    )
    assert (after.history, after.source) == (before.history, "refresh")


def test_after_new_events_a_refresh_makes_the_list_that_the_training_would(
    released: Released,
) -> None:
    everything = released.known + [event for own in released.news.values() for event in own]
    expected, shorter = released.batch(everything), 0
    for user_id, own in released.news.items():
        # Between two days: on a day that it knows of, a refresh cannot tell a return.
        middle = own[len(own) // 2].timestamp // DAY * DAY
        first = [event for event in own if event.timestamp < middle]
        assert released.refresh.refresh(released.model, user_id, first) == "refreshed"
        released.refresh.refresh(released.model, user_id, own)
        again = released.refresh.refresh(released.model, user_id, own)
        assert again == "unchanged"
        after, wanted = released.list_of(user_id), expected[user_id]
        assert after.history == wanted.history
        assert after.item_ids() == wanted.item_ids()
        assert after.because == wanted.because
        assert after.unclicked == wanted.unclicked
        assert unpack_scores(after.scores) == pytest.approx(
            unpack_scores(wanted.scores), rel=1e-2, abs=2e-3
        )
        assert after.items != released.made[user_id].items
        shorter += len(after.unclicked or b"") < len(released.made[user_id].unclicked or b"")
    assert shorter > USERS // 4  # took what they were shown in vain before
