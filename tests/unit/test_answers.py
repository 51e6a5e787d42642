"""Answers: what is cut out of a list."""

from dataclasses import replace

import pytest

from tests.fakes.serving_ports import ready_list
from topshelf.serving.answers import Found, answer_of
from topshelf.serving.pages import Page

NOTHING = frozenset[str]()


@pytest.mark.parametrize(
    ("num_results", "start", "items", "rank"),
    [
        (2, 0, ["m1", "m3"], 3),
        (2, 3, ["m4", "m5"], None),
        (1, 1, ["m3"], 3),
        (3, 0, ["m1", "m3", "m4"], 4),
        (4, 0, ["m1", "m3", "m4", "m5"], None),
        (9, 4, ["m5"], None),
        (1, 5, [], None),
    ],
)
def test_the_next_page_begins_at_the_first_item_left_over(
    num_results: int, start: int, items: list[str], rank: int | None
) -> None:
    ready = ready_list("m1", "m2", "m3", "m4", "m5")
    answer = answer_of(Found(ready, "popular", "v1"), frozenset({"m2"}), num_results, start)
    assert [item.item_id for item in answer.items] == items
    assert answer.next_page == (None if rank is None else Page("popular", rank, "v1"))


def test_a_list_whose_scores_do_not_match_its_items_is_not_served() -> None:
    ready = ready_list("m1", "m2")
    for damaged in (replace(ready, scores=ready.scores[:2]), replace(ready, items="m1")):
        with pytest.raises(ValueError, match="zip"):
            answer_of(Found(damaged, "own", "v1"), NOTHING, 1)
