"""Titles: read once, and never worth an answer."""

from dataclasses import replace

import pytest

from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.serving import titles as subject
from topshelf.serving.baked import BakedList
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.titles import Titles


def shelf(baked: BakedList | None = None) -> tuple[Titles, FakeLists]:
    lists = FakeLists()
    for version, item, title in (("v1", "m1", "One"), ("v1", "m2", "Two"), ("v2", "m1", "Uno")):
        lists.alike[version, item] = replace(ready_list("x"), title=title)
    return Titles(lists, CircuitBreaker(lambda: 0.0), baked), lists


def test_each_title_is_read_once_a_version() -> None:
    titles, lists = shelf()
    assert titles.of("v1", ["m1", "m2"]) == {"m1": "One", "m2": "Two"}
    assert titles.of("v1", ["m2", "m3"]) == {"m2": "Two", "m3": None}
    assert titles.of("v1", ["m3", "m1"]) == {"m3": None, "m1": "One"}
    assert titles.of("v2", ["m1"]) == {"m1": "Uno"}
    assert lists.title_reads == [("m1", "m2"), ("m3",), ("m1",)]


def test_no_items_cost_no_read() -> None:
    titles, lists = shelf()
    assert titles.of("v1", []) == {}
    assert lists.title_reads == []


def test_an_outage_leaves_titles_out_and_is_not_remembered() -> None:
    titles, lists = shelf()
    titles.of("v1", ["m1"])
    lists.down = True
    assert titles.of("v1", ["m1", "m2"]) == {"m1": "One", "m2": None}
    lists.down = False
    assert titles.of("v1", ["m1", "m2"]) == {"m1": "One", "m2": "Two"}


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_TITLES", 3)
    titles, lists = shelf()
    titles.of("v1", ["m1", "m2"])
    assert titles.of("v1", ["m2", "x1"]) == {"m2": "Two", "x1": None}
    assert lists.title_reads == [("m1", "m2"), ("x1",)]
    # A fourth does not fit: all is forgotten, and what is asked for is read anew.
    assert titles.of("v1", ["m2", "x2"]) == {"m2": "Two", "x2": None}
    assert lists.title_reads[2:] == [("m2", "x2")]
    assert titles.of("v1", ["m1"]) == {"m1": "One"}
    assert lists.title_reads[3:] == [("m1",)]


def test_the_baked_list_has_its_own_titles() -> None:
    titles, lists = shelf(BakedList("v0", ready_list("m1", "m2"), {"m1": "Of old"}))
    assert titles.of("v0", ["m1", "m2"]) == {"m1": "Of old", "m2": None}
    assert titles.of("v1", ["m1"]) == {"m1": "One"}
    assert lists.title_reads == [("m1",)]
