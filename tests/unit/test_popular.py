"""What is popular: read once, remembered within bounds, and the page that goes on in it."""

from datetime import date

import pytest

from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.errors import GoneError, InvalidInputError, UnavailableError
from topshelf.ports import Champion
from topshelf.serving import popular as subject
from topshelf.serving.answers import Found
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pages import Page
from topshelf.serving.popular import PopularLists

LIVE = Champion("v2", "v1", date(2026, 1, 1), 2)
BAKED = BakedList("v0", ready_list("b1"))


def shelf(baked: BakedList | None = None) -> tuple[PopularLists, FakeLists]:
    lists = FakeLists()
    for version in ("v1", "v2"):
        lists.charts[version] = ready_list(f"{version}-p")
        lists.charts[f"{version} genre:War"] = ready_list(f"{version}-w")
    return PopularLists(lists, CircuitBreaker(lambda: 0.0), baked), lists


def test_each_list_is_read_once() -> None:
    popular, lists = shelf()
    for _ in range(3):
        assert popular.of("v1", "") == ready_list("v1-p")
        assert popular.of("v1", "genre:War") == ready_list("v1-w")
        assert popular.of("v1", "genre:None") is None
    assert lists.popular_reads == 3


def test_the_oldest_context_makes_room_and_the_live_general_list_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "MAX_CONTEXTS", 3)
    popular, lists = shelf()

    def reads(version: str, *contexts: str) -> list[str]:
        """The contexts of these that cost a read."""
        cost = []
        for context in contexts:
            before = lists.popular_reads
            popular.of(version, context)
            if lists.popular_reads > before:
                cost.append(context)
        return cost

    assert reads("v2", "", "a", "b") == ["", "a", "b"]
    assert reads("v2", "", "a", "b") == []
    assert reads("v2", "c") == ["c"]
    assert reads("v2", "", "b", "c") == []
    assert reads("v2", "a") == ["a"]
    assert reads("v2", "", "c", "a") == []


def test_an_older_versions_general_list_makes_room_as_a_context_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "MAX_CONTEXTS", 2)
    popular, lists = shelf()
    for version, context in (("v1", ""), ("v2", ""), ("v2", "a")):
        popular.of(version, context)
    reads = lists.popular_reads
    popular.of("v2", "")
    popular.of("v2", "a")
    assert lists.popular_reads == reads
    popular.of("v1", "")
    assert lists.popular_reads == reads + 1


def test_the_best_that_can_be_had_and_the_words_when_there_is_nothing() -> None:
    popular, lists = shelf(BAKED)
    assert popular.first(LIVE, "genre:War") == Found(ready_list("v2-w"), "popular_in_context", "v2")
    assert popular.first(LIVE, "genre:None") == Found(ready_list("v2-p"), "popular", "v2")
    lists.down = True
    assert popular.first(Champion("v3", "v2", date(2026, 1, 1), 3), "") == Found(
        ready_list("v2-p"), "popular", "v2"
    )
    assert shelf(BAKED)[0].first(None, "genre:War") == Found(BAKED.ready, "baked", "v0")
    with pytest.raises(UnavailableError, match=r"^no list can be read right now; try again$"):
        shelf()[0].first(None, "")


def test_a_page_goes_on_in_its_own_list() -> None:
    popular, _ = shelf(BAKED)
    assert popular.go_on(LIVE, "", Page("popular", 1, "v1")) == Found(
        ready_list("v1-p"), "popular", "v1"
    )
    assert popular.go_on(LIVE, "genre:War", Page("popular_in_context", 1, "v2")) == Found(
        ready_list("v2-w"), "popular_in_context", "v2"
    )
    assert popular.go_on(LIVE, "", Page("baked", 1, "v0")) == Found(BAKED.ready, "baked", "v0")


def test_a_page_whose_list_cannot_be_read_has_none_for_now() -> None:
    popular, lists = shelf()
    lists.down = True
    assert popular.go_on(LIVE, "", Page("popular", 1, "v2")) is None
    # Nobody knows which version is live: it may well be this one.
    assert popular.go_on(None, "", Page("popular", 1, "v9")) is None


@pytest.mark.parametrize("page", [Page("popular", 1, "v9"), Page("baked", 1, "v9")])
def test_a_page_of_a_version_that_is_not_served_is_gone_by_name(page: Page) -> None:
    popular, _ = shelf(BAKED)
    with pytest.raises(GoneError, match=r"^v9 is no longer served; ask again without page$"):
        popular.go_on(LIVE, "", page)


def test_a_page_of_a_context_wants_that_context() -> None:
    popular, _ = shelf()
    with pytest.raises(
        InvalidInputError, match=r"^send the context of the first page again$"
    ) as refused:
        popular.go_on(LIVE, "", Page("popular_in_context", 1, "v2"))
    assert refused.value.field == "context"
