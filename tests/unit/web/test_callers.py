"""Who may ask what: every route of both functions, under every authorizer."""

import json
from typing import Any

import pytest
from fastapi.routing import APIRoute

from infra.cli.openapi import describe_api
from tests.builders.apis import FakeApis
from tests.builders.gateway import http_event
from tests.builders.interactions import NOON
from topshelf.web.callers import Callers

SCOPE = "topshelf/admin"
EVENT = {"item_id": "m1", "event_type": "view", "timestamp": NOON}

# What every route asks of a token: "any", "own" (the viewer's own data) or "admin". A route that is
# not here fails a test: say first who may reach it.
RULES = {
    ("GET", "/v1/users/{user_id:path}/recommendations"): "own",
    ("GET", "/v1/popular"): "any",
    ("GET", "/v1/items/{item_id:path}/similar"): "any",
    ("GET", "/v1/provenance/{recommendation_id}"): "admin",
    ("GET", "/v1/health"): "any",
    ("GET", "/openapi.json"): "any",
    ("GET", "/docs"): "any",
    ("POST", "/v1/events"): "own",
}
ROUTES = sorted(RULES)


def token(sub: str | None = "u1", scopes: Any = None, **claims: Any) -> dict[str, Any]:
    """What API Gateway found in a token; scopes is null unless the route asks for some."""
    named = {} if sub is None else {"sub": sub}
    return {"jwt": {"claims": {"iss": "https://issuer.test", **named, **claims}, "scopes": scopes}}


MINE, ADMIN = token(), token("service", scope=f"openid {SCOPE}")


class Asking:
    """The API, and its answers as status and body."""

    def __init__(self, authorizer: Any) -> None:
        self.apis = FakeApis(Callers(authorizer, SCOPE))

    def ask(self, route: tuple[str, str], who: Any, user_id: str = "u1") -> tuple[int, Any]:
        method, path = route
        for name, value in (
            ("{user_id:path}", user_id),
            ("{item_id:path}", "m1"),
            ("{recommendation_id}", self.apis.recommendation_id),
        ):
            path = path.replace(name, value)
        return self.call(method, path, who, {"events": [EVENT | {"user_id": user_id}]})

    def send(self, who: Any, *events: Any) -> tuple[int, Any]:
        return self.call("POST", "/v1/events", who, {"events": events})

    def call(self, method: str, path: str, who: Any, body: Any) -> tuple[int, Any]:
        name = "IngestEvents" if path == "/v1/events" else "RecommendApi"
        text = json.dumps(body) if method == "POST" else None
        event = http_event(method, path, body=text, authorizer=who)
        answer = self.apis.handlers[name](event, None)
        if answer["statusCode"] >= 400:
            assert answer["headers"]["content-type"] == "application/problem+json"
        is_json = "json" in answer["headers"]["content-type"]
        return answer["statusCode"], json.loads(answer["body"]) if is_json else answer["body"]

    def kept(self) -> list[str | None]:
        return [event.user_id for request in self.apis.log.requests for event in request]


@pytest.fixture
def api() -> Asking:
    return Asking("jwt")


def test_every_route_has_a_rule(api: Asking) -> None:
    found = {
        (method, route.path)
        for app in api.apis.apps.values()
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert found == set(RULES)
    assert all(
        isinstance(route, APIRoute) for app in api.apis.apps.values() for route in app.routes
    )


@pytest.mark.parametrize("route", ROUTES)
def test_a_viewers_token_reaches_what_is_the_viewers(api: Asking, route: tuple[str, str]) -> None:
    status, said = api.ask(route, MINE)
    if RULES[route] == "admin":
        assert (status, said["status"]) == (403, 403)
        assert SCOPE in said["detail"]
    else:
        assert status in (200, 202)


@pytest.mark.parametrize("route", [route for route in ROUTES if RULES[route] == "own"])
@pytest.mark.parametrize(
    "other",
    ["u2", "U1", "u1/", "/u1", "u1/recommendations", "u%31", "u1%00", "u", "u11", "u1,", "./u1"],
)
def test_another_viewer_is_out_of_reach_however_alike(
    api: Asking, route: tuple[str, str], other: str
) -> None:
    status, said = api.ask(route, MINE, other)
    assert (status, said["field"].removeprefix("events.0.")) == (403, "user_id")
    assert "m1" not in json.dumps(said)
    assert api.kept() == []
    # It is this very viewer who may.
    assert api.ask(route, token(other), other)[0] in (200, 202)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "who",
    [
        ADMIN,
        token("service", scopes=[SCOPE]),
        token("service", scopes=["openid", SCOPE], scope="openid"),
        token("service", scp=f"openid {SCOPE}"),
        token("service", scp=["openid", SCOPE]),
        token("service", scp=f"[openid {SCOPE}]"),
        token(None, scope=SCOPE),
    ],
)
def test_the_admin_scope_reaches_everything(
    api: Asking, route: tuple[str, str], who: dict[str, Any]
) -> None:
    assert api.ask(route, who)[0] in (200, 202)


@pytest.mark.parametrize(
    "who",
    [
        token("u2", scopes=[], scope=SCOPE),
        token("u2", scopes=["openid"], scope=SCOPE),
        token("u2", scope="topshelf/administrator"),
        token("u2", scope="topshelf/admin,openid"),
        token("u2", scope="TOPSHELF/ADMIN"),
        token("u2", scope="openid", scp=SCOPE),
        token("u2", scope={"topshelf/admin": True}),
        token("u2", scope=None),
        token("u2", cognito_groups=SCOPE),
        token(SCOPE),
    ],
)
def test_what_only_looks_like_the_admin_scope_is_none(api: Asking, who: dict[str, Any]) -> None:
    for route in ROUTES:
        assert (api.ask(route, who)[0] == 403) is (RULES[route] != "any")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "who",
    [
        None,
        {},
        {"jwt": None},
        {"jwt": {}},
        {"jwt": {"claims": None}},
        {"jwt": {"claims": {}, "scopes": None}},
        {"jwt": ["claims"]},
        {"iam": {"userId": "u1", "accountId": "123456789012"}},
        {"lambda": {"sub": "u1"}},
        token(None),
        token(""),
        token(sub=1),  # type: ignore[arg-type]
    ],
)
def test_who_is_not_known_reaches_nothing(api: Asking, route: tuple[str, str], who: Any) -> None:
    method, path = route
    event = http_event(method, path.replace("{user_id:path}", "u1"), authorizer=who)
    name = "IngestEvents" if path == "/v1/events" else "RecommendApi"
    answer = api.apis.handlers[name](event, None)
    assert (answer["statusCode"], answer["headers"]["www-authenticate"]) == (401, "Bearer")
    assert json.loads(answer["body"])["title"] == "The request says nothing of who asks"


@pytest.mark.parametrize("authorizer", ["iam", "none"])
@pytest.mark.parametrize("who", [None, {"iam": {"userId": "role"}}, token("u2")])
def test_without_tokens_every_caller_reaches_everything(authorizer: str, who: Any) -> None:
    asking = Asking(authorizer)
    assert all(asking.ask(route, who)[0] in (200, 202) for route in ROUTES)


def test_another_viewers_events_are_refused_and_the_own_ones_kept(api: Asking) -> None:
    events = [EVENT | {"user_id": name, "item_id": f"m{n}"} for n, name in enumerate(("u2", "u1"))]
    status, receipt = api.send(MINE, *events, EVENT | {"user_id": "u1", "event_type": "wink"})
    assert (status, receipt["accepted"]) == (202, 1)
    assert [(r["index"], r["field"]) for r in receipt["refused"]] == [
        (0, "user_id"),
        (2, "event_type"),
    ]
    assert api.kept() == ["u1"]


def test_it_is_403_only_where_nothing_else_was_wrong(api: Asking) -> None:
    theirs, bad = EVENT | {"user_id": "u2"}, EVENT | {"user_id": "u1", "item_id": ""}
    status, said = api.send(MINE, theirs, theirs)
    assert (status, said["field"], len(said["errors"])) == (403, "events.0.user_id", 2)
    assert api.send(MINE, theirs, bad)[0] == 400
    assert api.send(MINE, bad)[0] == 400
    assert api.kept() == []


def test_an_event_before_sign_in_names_nobody_and_is_taken(api: Asking) -> None:
    assert api.send(MINE, EVENT | {"session_id": "s1"})[0] == 202
    assert api.kept() == [None]
    # With a viewer's name it is that viewer's, whatever the session.
    assert api.send(MINE, EVENT | {"session_id": "s1", "user_id": "u2"})[0] == 403


def test_the_description_tells_where_a_caller_may_be_refused() -> None:
    told = {
        (method.upper(), path.replace("_id}/", "_id:path}/")): operation["responses"]
        for path, operations in describe_api()["paths"].items()
        for method, operation in operations.items()
    }
    assert told.keys() == {rule for rule in RULES if rule[1].startswith("/v1/")}
    for rule, responses in told.items():
        assert "401" in responses
        assert ("403" in responses) is (RULES[rule] != "any")
