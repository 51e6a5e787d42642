"""Titles on request, pages, and how long an answer holds."""

import re
from dataclasses import replace
from datetime import date

import pytest

from tests.builders.recommend_api import Api
from tests.fakes.serving_ports import ready_list
from topshelf.ports import Champion
from topshelf.serving.recommender import Recommender

MINE = "/v1/users/u1/recommendations"
LISTS = (MINE, "/v1/popular", "/v1/items/m1/similar")
LATER = Champion("v2", "v1", date(2026, 1, 2), 2, previous_seen_since=date(2026, 1, 1))


@pytest.fixture
def api() -> Api:
    api = Api()
    api.lists.alike["v1", "m1"] = replace(ready_list("m2", "m3"), title="Père & fils")
    api.lists.alike["v1", "m2"] = replace(ready_list("m1"), title="Two")
    return api


def test_titles_come_on_request_alone(api: Api) -> None:
    _, body, _ = api.get(MINE, "num_results=3&titles=true")
    assert body["item_list"] == [
        {"item_id": "m1", "score": 3.0, "title": "Père & fils"},
        {"item_id": "m2", "score": 2.0, "title": "Two"},
        {"item_id": "m3", "score": 1.0, "title": None},
    ]
    for path in LISTS:
        assert "title" not in api.get(path)[1]["item_list"][0]
        assert "title" in api.get(path, "titles=true")[1]["item_list"][0]


def test_titles_that_cannot_be_read_cost_nothing_else(api: Api) -> None:
    api.get("/v1/popular")
    api.lists.down = True
    status, body, _ = api.get(MINE, "titles=true")
    assert (status, body["tier"]) == (200, "popular")
    assert [item["title"] for item in body["item_list"]] == [None, None, None]


@pytest.mark.parametrize("query", ["titles=maybe", "titles=", "titles=2"])
def test_titles_are_asked_for_with_true_or_false(api: Api, query: str) -> None:
    for path in LISTS:
        status, body, _ = api.get(path, query)
        assert (status, body["field"]) == (400, "titles")


def test_pages_follow_each_other_across_a_release(api: Api) -> None:
    _, first, _ = api.get(MINE, "num_results=2")
    api.registry.live = LATER
    api.lists.own["v2", "u1"] = ready_list("n1")
    _, second, _ = api.get(MINE, f"num_results=2&page={first['next_page']}")
    assert [item["item_id"] for item in second["item_list"]] == ["m3"]
    assert (second["model_version"], second["next_page"]) == ("v1", None)
    assert second["recommendation_id"] != first["recommendation_id"]


@pytest.mark.parametrize("path", LISTS)
def test_a_bad_page_is_refused_and_an_old_one_gone(api: Api, path: str) -> None:
    for page in ("2", "own.2", "own.0.v1", "x" * 129, "%00", "own.2.v1%0A"):
        status, body, _ = api.get(path, f"page={page}")
        assert (status, body["field"]) == (400, "page")
    tier = {"/v1/popular": "popular", MINE: "own"}.get(path, "similar")
    status, body, headers = api.get(path, f"page={tier}.2.v0")
    assert (status, body["field"]) == (410, "page")
    assert headers["cache-control"] == "no-store"
    other = "own" if tier == "similar" else "similar"
    assert api.get(path, f"page={other}.2.v1")[0] == 400


def test_an_empty_page_is_the_first(api: Api) -> None:
    assert api.get(MINE, "page=")[1]["item_list"] == api.get(MINE)[1]["item_list"]


@pytest.mark.parametrize("path", LISTS)
def test_an_answer_that_still_holds_is_not_sent_again(api: Api, path: str) -> None:
    _, _, headers = api.get(path)
    etag = headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', etag)
    for sent in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        status, body, said = api.get(path, if_none_match=sent)
        assert (status, body) == (304, "")
        assert (said["etag"], said["cache-control"]) == (etag, headers["cache-control"])
    assert api.get(path, if_none_match='"other"')[0] == 200
    assert api.get(path, "num_results=1", if_none_match=etag)[0] == 200
    assert api.get(path, "titles=true", if_none_match=etag)[0] == 200


def test_what_was_seen_since_makes_another_answer(api: Api) -> None:
    _, _, headers = api.get(MINE)
    api.lists.seen["u1", date(2026, 1, 2)] = {"m2"}
    status, body, _ = api.get(MINE, if_none_match=headers["etag"])
    assert status == 200
    assert [item["item_id"] for item in body["item_list"]] == ["m1", "m3"]


def test_an_answer_that_is_not_sent_again_is_counted_as_such(api: Api) -> None:
    _, _, headers = api.get(MINE)
    api.get(MINE, if_none_match=headers["etag"])
    (_, first, _), (_, metrics, details) = api.metrics.lines
    assert first["answers_not_modified"] == ("Count", 0)
    assert metrics["answers_not_modified"] == ("Count", 1)
    assert metrics["unsigned_answers"] == ("Count", 0)
    # The client goes on with the id that it has.
    assert (details["recommendation_id"], details["items"]) == ("", ["m1", "m2", "m3"])


def test_how_long_each_answer_holds(api: Api) -> None:
    def holds(path: str, query: str = "") -> str:
        return api.get(path, query)[2]["cache-control"]

    # A viewer's answer changes with the next thing watched.
    assert holds(MINE) == "private, no-cache"
    assert holds("/v1/users/stranger/recommendations") == "private, no-cache"
    assert holds("/v1/popular") == holds("/v1/items/m1/similar") == "private, max-age=60"
    assert holds("/v1/health") == "no-store"
    assert holds(MINE, "num_results=0") == "no-store"
    assert holds("/openapi.json") == holds("/docs") == "private, no-cache"
    api.lists.down = True
    # What stands in for similar items is not kept in their place.
    assert holds("/v1/items/m1/similar") == "private, no-cache"


def test_files_are_sent_once(api: Api) -> None:
    for path in ("/openapi.json", "/docs"):
        _, _, headers = api.get(path)
        assert re.fullmatch(r'"[0-9a-f]{32}"', headers["etag"])
        assert api.get(path, if_none_match=headers["etag"])[:2] == (304, "")
        assert api.get(path, if_none_match='"other"')[0] == 200


def test_a_bug_is_not_kept_by_caches(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Recommender, *_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Recommender, "popular", broken)
    assert api.get("/v1/popular")[2]["cache-control"] == "no-store"
