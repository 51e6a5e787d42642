"""Further pages: they stay on one model version, and skip and repeat nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.shelf import Shelf
from tests.fakes.serving_ports import ready_list
from topshelf.errors import GoneError, InvalidInputError, UnavailableError
from topshelf.ports import Champion
from topshelf.serving.answers import Answer
from topshelf.serving.baked import BakedList
from topshelf.serving.pages import Page, Tier

TODAY, EVE = date(2026, 1, 3), date(2026, 1, 2)
BEFORE = Champion("v1", None, EVE, 1)
AFTER = Champion("v2", "v1", TODAY, 2, previous_seen_since=EVE)
LATER = Champion("v3", "v2", TODAY, 3, previous_seen_since=TODAY)


class Stocked(Shelf):
    """v1 is live, v2 and v3 may follow."""

    def __init__(self, *, baked: bool = False) -> None:
        ready = BakedList("v0", ready_list("b1", "b2", "b3")) if baked else None
        super().__init__(BEFORE, datetime(2026, 1, 3, 12, tzinfo=UTC), baked=ready)
        for version in ("v1", "v2", "v3"):
            self.lists.own[version, "u1"] = ready_list(*(f"{version}-{n}" for n in range(1, 7)))
            self.lists.charts[version] = ready_list(*(f"{version}-p{n}" for n in range(1, 7)))
            self.lists.charts[f"{version} genre:War"] = ready_list(f"{version}-w1", f"{version}-w2")
            self.lists.alike[version, "m"] = ready_list(*(f"{version}-s{n}" for n in range(1, 5)))
        self.recommend = self.recommender.recommend


def ids(answer: Answer) -> list[str]:
    return [item.item_id for item in answer.items]


def all_pages(ask: Callable[[Page | None], Answer]) -> list[list[str]]:
    """Asks for page after page, to the end."""
    pages, page = [], None
    while True:
        answer = ask(page)
        pages.append(ids(answer))
        if (page := answer.next_page) is None:
            return pages


def test_pages_follow_each_other_to_the_end_of_the_list() -> None:
    shelf = Stocked()
    assert shelf.recommend("u1", 4).next_page == Page("own", 4, "v1")
    assert all_pages(lambda page: shelf.recommend("u1", 4, "", page)) == [
        ["v1-1", "v1-2", "v1-3", "v1-4"],
        ["v1-5", "v1-6"],
    ]
    # The end of the list is the end: no empty page follows a full one.
    assert len(all_pages(lambda page: shelf.recommend("u1", 3, "", page))) == 2


def test_a_release_between_two_pages_changes_nothing() -> None:
    shelf = Stocked()
    first = shelf.recommend("u1", 4)
    shelf.registry.live = AFTER
    second = shelf.recommend("u1", 4, "", first.next_page)
    assert ids(second) == ["v1-5", "v1-6"]
    assert (second.tier, second.version) == ("previous", "v1")
    # What was seen is counted from that version's own snapshot.
    assert shelf.lists.days == [TODAY, EVE]
    assert ids(shelf.recommend("u1", 1)) == ["v2-1"]


def test_a_page_of_the_previous_version_goes_on_as_previous() -> None:
    shelf = Stocked()
    shelf.registry.live = AFTER
    del shelf.lists.own["v2", "u1"]
    first = shelf.recommend("u1", 2)
    assert first.next_page == Page("previous", 2, "v1")
    second = shelf.recommend("u1", 2, "", first.next_page)
    assert (ids(second), second.tier) == (["v1-3", "v1-4"], "previous")


def test_two_releases_later_the_page_is_gone_and_says_so() -> None:
    shelf = Stocked()
    first = shelf.recommend("u1", 2)
    shelf.registry.live = LATER
    with pytest.raises(GoneError, match="v1 is no longer served; ask again without page") as gone:
        shelf.recommend("u1", 2, "", first.next_page)
    assert gone.value.field == "page"


def test_a_previous_version_without_its_snapshot_day_is_gone() -> None:
    shelf = Stocked()
    shelf.registry.live = Champion("v2", "v1", TODAY, 2)
    with pytest.raises(GoneError):
        shelf.recommend("u1", 2, "", Page("own", 2, "v1"))


def test_a_viewer_who_has_no_list_has_no_page_of_it() -> None:
    with pytest.raises(GoneError):
        Stocked().recommend("stranger", 2, "", Page("own", 2, "v1"))


def test_what_is_seen_in_between_moves_nothing() -> None:
    shelf = Stocked()
    first = shelf.recommend("u1", 2)
    shelf.lists.seen["u1", TODAY] = {"v1-1", "v1-2", "v1-4"}
    second = shelf.recommend("u1", 2, "", first.next_page)
    assert ids(second) == ["v1-3", "v1-5"]
    assert ids(shelf.recommend("u1", 2, "", second.next_page)) == ["v1-6"]


def test_an_outage_between_two_pages_costs_the_version_and_not_the_answer() -> None:
    shelf = Stocked()
    first = shelf.recommend("u1", 4)
    shelf.lists.down = True
    second = shelf.recommend("u1", 4, "", first.next_page)
    assert (ids(second), second.tier) == (["v1-p1", "v1-p2", "v1-p3", "v1-p4"], "popular")
    third = shelf.recommend("u1", 4, "", second.next_page)
    assert ids(third) == ["v1-p5", "v1-p6"]


def test_popular_pages_stay_on_their_version() -> None:
    shelf = Stocked()
    first = shelf.recommend("stranger", 4)
    assert first.next_page == Page("popular", 4, "v1")
    shelf.registry.live = AFTER
    shelf.lists.seen["stranger", TODAY] = {"v1-p5"}
    assert ids(shelf.recommend("stranger", 4, "", first.next_page)) == ["v1-p6"]
    assert ids(shelf.recommender.popular(4, "", first.next_page)) == ["v1-p5", "v1-p6"]
    # In this process the list is remembered, and serves on even after another release.
    shelf.registry.live = LATER
    assert ids(shelf.recommender.popular(4, "", first.next_page)) == ["v1-p5", "v1-p6"]
    with pytest.raises(GoneError):
        shelf.recommender.popular(4, "", Page("popular", 4, "v0"))


def test_a_context_goes_with_its_page() -> None:
    shelf = Stocked()
    first = shelf.recommender.popular(1, "genre:War")
    assert first.next_page == Page("popular_in_context", 1, "v1")
    assert ids(shelf.recommender.popular(1, "genre:War", first.next_page)) == ["v1-w2"]
    # A page of what is popular everywhere goes on there, whatever the context.
    assert ids(shelf.recommender.popular(1, "genre:War", Page("popular", 5, "v1"))) == ["v1-p6"]
    with pytest.raises(InvalidInputError, match="context of the first page") as refused:
        shelf.recommender.popular(1, "", first.next_page)
    assert refused.value.field == "context"


def test_similar_pages_stay_on_their_version() -> None:
    shelf = Stocked()
    similar = shelf.recommender.similar
    first = similar("m", 3)
    assert first.next_page == Page("similar", 3, "v1")
    shelf.registry.live = AFTER
    assert ids(similar("m", 3, first.next_page)) == ["v1-s4"]
    shelf.registry.live = LATER
    with pytest.raises(GoneError):
        similar("m", 3, first.next_page)
    shelf.lists.down = True
    shelf.registry.live = BEFORE
    with pytest.raises(UnavailableError):
        similar("m", 3, first.next_page)


def test_similar_pages_fall_back_to_what_is_popular_and_go_on_there() -> None:
    shelf = Stocked()
    shelf.recommender.popular(1)
    first = shelf.recommender.similar("m", 3)
    shelf.lists.down = True
    second = shelf.recommender.similar("m", 4, first.next_page)
    assert (ids(second), second.tier) == (["v1-p1", "v1-p2", "v1-p3", "v1-p4"], "popular")
    assert ids(shelf.recommender.similar("m", 4, second.next_page)) == ["v1-p5", "v1-p6"]


def test_the_baked_list_has_pages_too() -> None:
    shelf = Stocked(baked=True)
    shelf.registry.down = shelf.lists.down = True
    for ask in (
        lambda page: shelf.recommend("u1", 2, "", page),
        lambda page: shelf.recommender.popular(2, "", page),
        lambda page: shelf.recommender.similar("m", 2, page),
    ):
        assert all_pages(ask) == [["b1", "b2"], ["b3"]]
    # A page of a version that cannot be looked up gives way to what there is.
    lost = shelf.recommend("u1", 2, "", Page("own", 2, "v1"))
    assert (ids(lost), lost.tier) == (["b1", "b2"], "baked")
    lost = shelf.recommender.popular(2, "", Page("popular", 2, "v1"))
    assert (ids(lost), lost.tier) == (["b1", "b2"], "baked")


@pytest.mark.parametrize("baked", [True, False])
def test_a_page_of_another_deployments_baked_list_is_gone(*, baked: bool) -> None:
    with pytest.raises(GoneError):
        Stocked(baked=baked).recommender.popular(2, "", Page("baked", 2, "other"))


@pytest.mark.parametrize(
    ("surface", "tiers"),
    [("recommend", ["similar"]), ("popular", ["own", "previous", "similar"])],
)
def test_a_page_of_another_address_is_refused(surface: str, tiers: list[Tier]) -> None:
    shelf = Stocked()
    ask = {"recommend": lambda p: shelf.recommend("u1", 2, "", p)}.get(
        surface, lambda p: shelf.recommender.popular(2, "", p)
    )
    for tier in tiers:
        with pytest.raises(InvalidInputError, match="another address"):
            ask(Page(tier, 2, "v1"))
    for tier in ("own", "previous", "popular_in_context"):
        with pytest.raises(InvalidInputError, match="another address"):
            shelf.recommender.similar("m", 2, Page(tier, 2, "v1"))


@given(
    length=st.integers(0, 40),
    seen=st.sets(st.integers(0, 39)),
    sizes=st.lists(st.integers(1, 100), min_size=40, max_size=40),
    release=st.integers(0, 5),
)
def test_pages_together_are_the_list_each_item_once(
    length: int, seen: set[int], sizes: list[int], release: int
) -> None:
    shelf = Stocked()
    shelf.lists.own["v1", "u1"] = ready_list(*(f"m{n}" for n in range(length)))
    shelf.lists.seen["u1", TODAY] = {f"m{n}" for n in seen}
    asked = 0

    def ask(page: Page | None) -> Answer:
        nonlocal asked
        if asked == release and asked:
            shelf.registry.live = AFTER
        asked += 1
        return shelf.recommend("u1", sizes[asked - 1], "", page)

    pages = all_pages(ask)
    assert [item for page in pages for item in page] == [
        f"m{n}" for n in range(length) if n not in seen
    ]
    assert [len(page) for page in pages[:-1]] == sizes[: len(pages) - 1]
