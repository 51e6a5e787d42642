"""Answers: the viewer's own list, else what is popular, and never what was seen."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.shelf import Shelf
from tests.fakes.model_ports import FakeRegistry
from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.errors import UnavailableError
from topshelf.ports import Champion, ViewerShelf
from topshelf.serving.answers import ScoredItem
from topshelf.serving.baked import BakedList
from topshelf.serving.popular import MAX_CONTEXTS
from topshelf.serving.recommender import MAX_SEEN_DAYS, Recommender

TODAY = date(2026, 1, 3)
NOON = datetime(2026, 1, 3, 12, tzinfo=UTC)
CHAMPION = Champion("v2", "v1", date(2026, 1, 1), 2, previous_seen_since=date(2025, 12, 31))
BAKED = BakedList("v0", ready_list("b1", "b2"))


def shelf(
    *, baked: BakedList | None = None, now: datetime = NOON
) -> tuple[Recommender, FakeLists, FakeRegistry]:
    here = Shelf(CHAMPION, now, baked=baked)
    lists = here.lists
    lists.own["v2", "u1"] = ready_list("m1", "m2", "m3", generated_at=17)
    lists.charts["v2"] = ready_list("p1", "p2", "p3")
    return here.recommender, lists, here.registry


def test_a_known_viewer_gets_the_own_list() -> None:
    recommender, lists, _ = shelf()
    answer = recommender.recommend("u1", 2)
    assert answer.items == (ScoredItem("m1", 3.0), ScoredItem("m2", 2.0))
    assert (answer.tier, answer.version, answer.generated_at) == ("own", "v2", 17)
    recommender.recommend("u1", 2)
    # One read a request; what is popular is read once, for the moment when nothing can be.
    assert (lists.reads, lists.popular_reads) == (2, 1)


def test_an_unknown_viewer_gets_what_is_popular_but_not_what_was_seen() -> None:
    recommender, lists, _ = shelf()
    lists.seen["new", TODAY] = {"p1"}
    answer = recommender.recommend("new", 3)
    assert [item.item_id for item in answer.items] == ["p2", "p3"]
    assert answer.tier == "popular"


def test_seen_days_reach_back_to_the_snapshot() -> None:
    recommender, lists, _ = shelf()
    lists.seen["u1", date(2026, 1, 1)] = {"m1"}
    lists.seen["u1", date(2025, 12, 31)] = {"m2"}
    answer = recommender.recommend("u1", 100)
    assert [item.item_id for item in answer.items] == ["m2", "m3"]
    assert lists.days == [date(2026, 1, 3), date(2026, 1, 2), date(2026, 1, 1)]


@pytest.mark.parametrize(
    ("seen_since", "count"),
    [(TODAY, 1), (TODAY + timedelta(days=9), 1), (date(2020, 1, 1), MAX_SEEN_DAYS)],
)
def test_the_number_of_days_is_bounded(seen_since: date, count: int) -> None:
    recommender, lists, registry = shelf()
    registry.live = Champion("v2", None, seen_since, 1)
    recommender.recommend("u1", 1)
    assert len(lists.days) == count
    assert lists.days[0] == TODAY


def test_the_day_is_that_of_utc() -> None:
    west = datetime(2026, 1, 3, 20, tzinfo=timezone(timedelta(hours=-8)))
    recommender, lists, _ = shelf(now=west)
    recommender.recommend("u1", 1)
    assert lists.days[0] == date(2026, 1, 4)


def test_a_store_outage_costs_a_tier_and_not_the_request() -> None:
    recommender, lists, _ = shelf()
    recommender.popular(1)
    lists.down = True
    answer = recommender.recommend("u1", 1)
    assert (answer.tier, answer.items) == ("popular", (ScoredItem("p1", 3.0),))


def test_an_outage_before_anything_was_read_is_told() -> None:
    recommender, lists, _ = shelf()
    lists.down = True
    with pytest.raises(UnavailableError):
        recommender.recommend("u1", 1)


def test_the_popular_list_is_read_once_a_version() -> None:
    recommender, lists, registry = shelf()
    recommender.popular(1)
    recommender.popular(1)
    assert lists.popular_reads == 1
    registry.live = Champion("v3", "v2", TODAY, 3)
    lists.charts["v3"] = ready_list("q1")
    assert recommender.popular(5).items == (ScoredItem("q1", 1.0),)
    assert recommender.popular(5).version == "v3"


def test_a_version_without_popular_list_is_told() -> None:
    recommender, lists, _ = shelf()
    lists.charts.clear()
    with pytest.raises(UnavailableError, match="no list can be read"):
        recommender.popular(1)


def test_before_the_first_release_the_way_out_is_named() -> None:
    recommender, _, registry = shelf()
    registry.live = None
    with pytest.raises(UnavailableError, match="topshelf train"):
        recommender.recommend("u1", 1)


def tier_of(recommender: Recommender, user_id: str = "u1", context: str = "") -> str:
    return recommender.recommend(user_id, 1, context).tier


def test_the_tiers_follow_each_other_as_each_falls_away() -> None:
    recommender, lists, registry = shelf(baked=BAKED)
    lists.own["v1", "u1"] = ready_list("old")
    lists.charts["v2 genre:Drama"] = ready_list("d1")
    assert tier_of(recommender, context="genre:Drama") == "own"
    del lists.own["v2", "u1"]
    assert tier_of(recommender, context="genre:Drama") == "previous"
    del lists.own["v1", "u1"]
    assert tier_of(recommender, context="genre:Drama") == "popular_in_context"
    assert tier_of(recommender, context="genre:Western") == "popular"
    assert tier_of(recommender) == "popular"
    fresh, lists, registry = shelf(baked=BAKED)
    lists.down = True
    assert tier_of(fresh) == "baked"
    registry.down = True
    assert tier_of(fresh) == "baked"


def test_a_live_table_that_is_gone_costs_freshness_not_the_viewers_taste() -> None:
    recommender, lists, _ = shelf()
    lists.own["v1", "u1"] = ready_list("old1", "old2")
    lists.seen["u1", date(2025, 12, 31)] = {"old1"}
    lists.down = {"v2"}
    answer = recommender.recommend("u1", 5)
    assert (answer.tier, answer.version) == ("previous", "v1")
    # What was seen since the previous version's own snapshot does not come back.
    assert [item.item_id for item in answer.items] == ["old2"]
    assert lists.days[-1] == date(2025, 12, 31)


def test_an_older_versions_popular_list_is_better_than_the_baked_one() -> None:
    recommender, lists, registry = shelf(baked=BAKED)
    recommender.popular(1)
    registry.live = Champion("v3", None, TODAY, 3)
    lists.down = True
    answer = recommender.recommend("u1", 1)
    assert (answer.tier, answer.version) == ("popular", "v2")


def test_the_baked_list_names_the_version_it_comes_from() -> None:
    recommender, lists, registry = shelf(baked=BAKED)
    registry.down = lists.down = True
    answer = recommender.popular(5)
    assert (answer.tier, answer.version) == ("baked", "v0")
    assert [item.item_id for item in answer.items] == ["b1", "b2"]


def test_a_registry_that_was_never_reached_is_told_where_nothing_is_baked() -> None:
    recommender, _, registry = shelf()
    registry.down = True
    with pytest.raises(UnavailableError):
        recommender.recommend("u1", 1)


def test_contexts_are_bounded_and_never_push_out_what_is_popular() -> None:
    recommender, lists, _ = shelf()
    recommender.popular(1)
    for number in range(MAX_CONTEXTS + 50):
        recommender.recommend("new", 1, f"genre:{number}")
    reads = lists.popular_reads
    recommender.popular(1)
    assert lists.popular_reads == reads
    recommender.popular(1, "genre:0")
    assert lists.popular_reads == reads + 1


def test_a_dead_store_is_asked_once_a_pause_not_once_a_request() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    here = Shelf(CHAMPION, NOON, baked=BAKED, monotonic=clock)
    recommender, lists = here.recommender, here.lists
    lists.own["v2", "u1"] = ready_list("m1")
    slow = lists.read

    def timing_out(version: str, user_id: str, days: list[date]) -> ViewerShelf:
        clock.now += 0.08
        return slow(version, user_id, days)

    lists.read = timing_out  # type: ignore[method-assign, assignment]
    lists.down = True
    for _ in range(500):
        assert tier_of(recommender) == "baked"
        clock.now += 0.001
    assert lists.reads == 1
    lists.down = False
    clock.now += 10
    assert tier_of(recommender) == "own"


_items = st.lists(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=3),
    max_size=30,
    unique=True,
)


@given(own=st.none() | _items, charts=_items, seen=st.sets(_items.map(tuple)), n=st.integers(1, 40))
def test_never_seen_items_never_too_many_always_in_order(
    own: list[str] | None, charts: list[str], seen: set[tuple[str, ...]], n: int
) -> None:
    recommender, lists, _ = shelf()
    lists.charts["v2"] = ready_list(*charts)
    del lists.own["v2", "u1"]
    if own is not None:
        lists.own["v2", "u1"] = ready_list(*own)
    gone = {item for items in seen for item in items[:2]}
    lists.seen["u1", TODAY] = gone
    answer = recommender.recommend("u1", n)
    source = charts if own is None else own
    assert [item.item_id for item in answer.items] == [i for i in source if i not in gone][:n]
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)
