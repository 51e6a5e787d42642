"""GET recommendations: what is answered, what is logged, and how trouble is told."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.recommend_api import KEY, NOW, OLD_KEY, Api
from tests.fakes.serving_ports import ready_list
from topshelf.manifest import version_hash
from topshelf.serving.recommendation_id import RecommendationId, sign, verify
from topshelf.serving.recommender import Recommender
from topshelf.web import recommend


@pytest.fixture
def api() -> Api:
    return Api()


def test_the_viewers_own_list_with_its_provenance(api: Api) -> None:
    status, body, _ = api.get("/v1/users/u1/recommendations", "num_results=2")
    assert status == 200
    assert body["item_list"] == [
        {"item_id": "m1", "score": 3.0},
        {"item_id": "m2", "score": 2.0},
    ]
    assert (body["tier"], body["model_version"], body["generated_at"]) == ("own", "v1", 7)
    said = verify(body["recommendation_id"], [KEY])
    assert said.time_ms == int(NOW.timestamp() * 1000)
    assert (said.tier, said.slot, said.version_hash) == ("own", "champion", version_hash("v1"))


def test_what_was_seen_since_does_not_come_back(api: Api) -> None:
    api.lists.seen["u1", NOW.date()] = {"m1"}
    _, body, _ = api.get("/v1/users/u1/recommendations")
    assert [item["item_id"] for item in body["item_list"]] == ["m2", "m3"]


def test_an_unknown_viewer_gets_what_is_popular(api: Api) -> None:
    _, body, _ = api.get("/v1/users/nobody/recommendations")
    assert body["tier"] == "popular"
    assert [item["item_id"] for item in body["item_list"]] == ["p1", "p2", "p3"]
    _, popular, _ = api.get("/v1/popular")
    assert popular["item_list"] == body["item_list"]


@pytest.mark.parametrize("user_id", ["a/b", "a%2Fb", "a+b", "a//b/recommendations", "?", "#&=;"])
def test_any_id_of_the_contract_survives_the_path(api: Api, user_id: str) -> None:
    api.lists.own["v1", user_id] = ready_list("mine")
    status, body, _ = api.get(f"/v1/users/{user_id}/recommendations")
    assert status == 200
    assert [item["item_id"] for item in body["item_list"]] == ["mine"]


@given(user_id=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_every_printable_id_reaches_the_store_unchanged(user_id: str) -> None:
    api = Api()
    api.lists.own["v1", user_id[:256]] = ready_list("mine")
    _, body, _ = api.get(f"/v1/users/{user_id[:256]}/recommendations")
    assert body["tier"] == "own"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("num_results=0", "num_results"),
        ("num_results=101", "num_results"),
        ("num_results=-1", "num_results"),
        ("num_results=ten", "num_results"),
        ("num_results=1.5", "num_results"),
        ("num_results=" + "9" * 5000, "num_results"),
        ("num_results=NaN", "num_results"),
        ("num_results=", "num_results"),
        ("numresults=5", "numresults"),
        ("context=Drama", "context"),
        ("context=genre:" + "x" * 65, "context"),
        ("context=genre:%C3%A9", "context"),
    ],
)
def test_a_bad_parameter_is_named(api: Api, query: str, field: str) -> None:
    for path in ("/v1/users/u1/recommendations", "/v1/popular"):
        status, body, headers = api.get(path, query)
        assert (status, body["field"]) == (400, field)
        assert headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("user_id", ["a b", "", "x" * 257, "é", "\x7f"])
def test_a_bad_user_id_is_named(api: Api, user_id: str) -> None:
    status, body, _ = api.get(f"/v1/users/{user_id}/recommendations")
    assert (status, body["field"]) == (400, "user_id")


def test_an_unknown_address_is_a_problem_document(api: Api) -> None:
    status, body, _ = api.get("/v2/anything")
    assert (status, body["status"]) == (404, 404)


def test_before_the_first_release_the_answer_says_what_to_do(api: Api) -> None:
    api.registry.live = None
    for path in ("/v1/users/u1/recommendations", "/v1/popular", "/v1/health"):
        status, body, headers = api.get(path)
        assert status == 503
        assert headers["retry-after"] == "1"
    status, body, _ = api.get("/v1/popular")
    assert "topshelf release" in body["detail"]


def test_a_list_that_cannot_be_read_costs_a_tier_not_the_request(api: Api) -> None:
    api.get("/v1/popular")
    api.lists.down = True
    status, body, _ = api.get("/v1/users/u1/recommendations")
    assert (status, body["tier"]) == (200, "popular")


def test_a_missing_secret_costs_the_id_not_the_answer(api: Api) -> None:
    api.secret_is_missing = True
    status, body, _ = api.get("/v1/users/u1/recommendations")
    assert (status, body["recommendation_id"]) == (200, None)
    assert len(body["item_list"]) == 3
    assert api.metrics.lines[-1][1]["unsigned_answers"] == ("Count", 1)


def test_each_answer_is_one_line_of_exposure_and_metrics(api: Api) -> None:
    _, body, _ = api.get("/v1/users/u1/recommendations", "num_results=2")
    ((slot, metrics, details),) = api.metrics.lines
    assert slot == "champion"
    assert metrics["answers_own"] == ("Count", 1)
    assert metrics["latency"] == ("Milliseconds", 0.0)
    assert details == {
        "recommendation_id": body["recommendation_id"],
        "user_id": "u1",
        "surface": "recommendations",
        "model_version": "v1",
        "tier": "own",
        "time": int(NOW.timestamp() * 1000),
        "items": ["m1", "m2"],
    }


def test_the_context_is_used_where_there_is_no_list(api: Api) -> None:
    api.lists.charts["v1 genre:Science Fiction"] = ready_list("s1")
    _, body, _ = api.get("/v1/users/new/recommendations", "context=genre:Science+Fiction")
    assert (body["tier"], body["item_list"][0]["item_id"]) == ("popular_in_context", "s1")
    _, body, _ = api.get("/v1/popular", "context=genre%3AScience%20Fiction")
    assert body["tier"] == "popular_in_context"
    _, body, _ = api.get("/v1/users/u1/recommendations", "context=genre:Science+Fiction")
    assert body["tier"] == "own"


def test_items_like_an_item_have_their_own_address(api: Api) -> None:
    api.lists.alike["v1", "m/1"] = ready_list("m2", "m3")
    status, body, _ = api.get("/v1/items/m/1/similar", "num_results=1")
    assert (status, body["tier"]) == (200, "similar")
    assert [item["item_id"] for item in body["item_list"]] == ["m2"]
    assert verify(body["recommendation_id"], [KEY]).tier == "similar"
    assert api.metrics.lines[-1][2]["surface"] == "similar"


def test_an_unknown_item_is_not_found_and_a_bad_one_named(api: Api) -> None:
    status, body, _ = api.get("/v1/items/unknown/similar")
    assert (status, body["field"]) == (404, "item_id")
    status, body, _ = api.get("/v1/items/a b/similar")
    assert (status, body["field"]) == (400, "item_id")
    status, body, _ = api.get("/v1/items/m1/similar", "context=genre:War")
    assert (status, body["field"]) == (400, "context")


def test_similar_items_fall_back_to_what_is_popular(api: Api) -> None:
    api.get("/v1/popular")
    api.lists.down = True
    status, body, _ = api.get("/v1/items/m1/similar")
    assert (status, body["tier"]) == (200, "popular")


def test_an_answer_leads_back_to_model_data_and_code(api: Api) -> None:
    api.remember_model()
    _, body, _ = api.get("/v1/users/u1/recommendations")
    status, found, headers = api.get(f"/v1/provenance/{body['recommendation_id']}")
    assert status == 200
    # Where an answer came from never changes.
    assert headers["cache-control"] == "private, max-age=86400, immutable"
    assert found == {
        "answered_at": int(NOW.timestamp() * 1000),
        "tier": "own",
        "slot": "champion",
        "model_version": "v1",
        "git_commit": "abc",
        "parent_version": "",
        "manifest": "models/v1/manifest.json",
        "parameters": {"als": {"factors": 64}},
        "seed": 42,
        "data_taken_at": 1,
        "data_newest_event": 2,
        "data_objects": 3,
        "data_sha256": "0" * 64,
    }


def test_an_answer_signed_before_the_key_rotated_is_known(api: Api) -> None:
    api.remember_model()
    said = RecommendationId(int(NOW.timestamp() * 1000), version_hash("v1"), "champion", "popular")
    old, forged = (sign(said, b"1234", key) for key in (OLD_KEY, b"x" * 64))
    assert api.get(f"/v1/provenance/{old}")[1]["tier"] == "popular"
    status, problem, _ = api.get(f"/v1/provenance/{forged}")
    assert (status, problem["field"]) == (400, "recommendation_id")


@pytest.mark.parametrize("text", ["x", "A" * 40, "A" * 5000, "%", "é", "'; --"])
def test_what_is_no_id_is_refused_by_name(api: Api, text: str) -> None:
    status, problem, _ = api.get(f"/v1/provenance/{text}")
    assert (status, problem["field"]) == (400, "recommendation_id")


def test_a_version_that_nobody_knows_is_not_found(api: Api) -> None:
    _, body, _ = api.get("/v1/users/u1/recommendations")
    assert api.get(f"/v1/provenance/{body['recommendation_id']}")[0] == 404


def test_health_names_the_live_version(api: Api) -> None:
    assert api.get("/v1/health")[:2] == (200, {"status": "ok", "model_version": "v1"})


def test_the_description_is_a_file(api: Api) -> None:
    static = Path(recommend.__file__).parent / "static"
    assert api.get("/openapi.json")[1] == json.loads((static / "openapi.json").read_text())
    status, page, headers = api.get("/docs")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page == (static / "docs.html").read_text()


def test_a_bug_is_a_problem_document_and_keeps_its_secrets(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Recommender, *_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Recommender, "popular", broken)
    status, body, _ = api.get("/v1/popular")
    assert status == 500
    assert "secret" not in json.dumps(body)
