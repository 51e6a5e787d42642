"""The recommender where one store fails and another answers, and pages that meet another list."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from tests.builders.shelf import Shelf
from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.errors import GoneError, NotFoundError, UnavailableError
from topshelf.ports import Champion
from topshelf.serving.answers import Answer
from topshelf.serving.baked import BakedList
from topshelf.serving.pages import Page
from topshelf.topk import TopKList

TODAY, EVE = date(2026, 1, 3), date(2026, 1, 2)
LIVE = Champion("v2", "v1", TODAY, 2, previous_seen_since=EVE)


class NoSimilar(FakeLists):
    """Lists of which those of similar items alone cannot be read."""

    def similar(self, version: str, item_id: str) -> TopKList | None:
        raise UnavailableError("too slow")


def shelf(
    lists: FakeLists | None = None, now: datetime = datetime(2026, 1, 3, 12, tzinfo=UTC)
) -> Shelf:
    """v2 is live, v1 was before it."""
    here = Shelf(LIVE, now, lists=lists, baked=BakedList("v0", ready_list("b1", "b2")))
    for version in ("v1", "v2"):
        here.lists.own[version, "u1"] = ready_list(*(f"{version}-{n}" for n in range(1, 4)))
        here.lists.charts[version] = ready_list(f"{version}-p1", f"{version}-p2")
        here.lists.charts[f"{version} genre:War"] = ready_list(f"{version}-w1", f"{version}-w2")
    return here


def said(answer: Answer) -> tuple[str, str, list[str]]:
    return answer.tier, answer.version, [item.item_id for item in answer.items]


def test_before_the_first_release_the_whole_way_out_is_told() -> None:
    here = shelf()
    here.registry.live = None
    with pytest.raises(
        UnavailableError,
        match=r"^no model is released yet; run `topshelf train`, then `topshelf release`$",
    ):
        here.recommender.popular(1)


def test_no_context_asks_for_none() -> None:
    here = shelf()
    assert here.recommender.recommend("stranger", 1).tier == "popular"
    assert here.recommender.popular(1).tier == "popular"
    assert here.lists.popular_reads == 1


def test_a_page_of_a_context_goes_on_for_a_viewer_who_has_no_list() -> None:
    first = shelf().recommender.recommend("stranger", 1, "genre:War")
    assert said(first) == ("popular_in_context", "v2", ["v2-w1"])
    second = shelf().recommender.recommend("stranger", 1, "genre:War", first.next_page)
    assert said(second) == ("popular_in_context", "v2", ["v2-w2"])


def test_a_page_of_the_live_list_goes_on_as_the_viewers_own() -> None:
    assert said(shelf().recommender.recommend("u1", 9, "", Page("own", 1, "v2"))) == (
        "own",
        "v2",
        ["v2-2", "v2-3"],
    )


def test_a_page_of_a_context_gives_way_where_nobody_knows_the_live_version() -> None:
    here = shelf()
    here.registry.down = True
    page = Page("popular_in_context", 1, "v2")
    answer = here.recommender.recommend("u1", 2, "genre:War", page)
    assert said(answer) == ("baked", "v0", ["b1", "b2"])


def test_a_page_of_the_previous_version_gives_way_to_what_is_popular_now() -> None:
    for context, expected in (
        ("", ("popular", "v2", ["v2-p1", "v2-p2"])),
        ("genre:War", ("popular_in_context", "v2", ["v2-w1", "v2-w2"])),
    ):
        here = shelf()
        here.lists.down = {"v1"}
        answer = here.recommender.recommend("u1", 2, context, Page("own", 1, "v1"))
        assert said(answer) == expected


def test_a_page_of_a_list_that_the_viewer_has_not_names_its_version() -> None:
    with pytest.raises(GoneError, match=r"^v1 is no longer served"):
        shelf().recommender.recommend("stranger", 2, "", Page("own", 1, "v1"))


def test_a_previous_version_whose_snapshot_is_unknown_is_left_alone() -> None:
    here = shelf()
    here.registry.live = Champion("v2", "v1", TODAY, 2)
    del here.lists.own["v2", "u1"]
    assert here.recommender.recommend("u1", 1).tier == "popular"
    assert here.lists.reads == 1


def test_similar_items_that_cannot_be_read_give_way_to_what_is_popular() -> None:
    here = shelf(NoSimilar())
    assert said(here.recommender.similar("m1", 2)) == ("popular", "v2", ["v2-p1", "v2-p2"])
    assert here.lists.popular_reads == 1


def test_a_popular_page_goes_on_beside_similar_items() -> None:
    answer = shelf().recommender.similar("m1", 2, Page("popular", 1, "v1"))
    assert said(answer) == ("popular", "v1", ["v1-p2"])


def test_a_popular_page_that_cannot_be_read_gives_way_to_the_live_one() -> None:
    here = shelf()
    here.lists.down = {"v1"}
    answer = here.recommender.similar("m1", 2, Page("popular", 1, "v1"))
    assert said(answer) == ("popular", "v2", ["v2-p1", "v2-p2"])
    # One read for each of the two versions.
    assert here.lists.popular_reads == 2


def test_an_unknown_item_and_a_version_that_is_gone_are_named() -> None:
    with pytest.raises(NotFoundError, match=r"^v2 knows no item 'm 9'$") as refused:
        shelf().recommender.similar("m 9", 2)
    assert refused.value.field == "item_id"
    with pytest.raises(GoneError, match=r"^v9 is no longer served"):
        shelf().recommender.similar("m1", 2, Page("similar", 1, "v9"))


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone is nine hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_the_day_is_that_of_utc_wherever_the_machine_stands() -> None:
    here = shelf(now=datetime(2026, 1, 3, 20, tzinfo=UTC))
    here.recommender.recommend("u1", 1)
    assert here.lists.days == [TODAY]
