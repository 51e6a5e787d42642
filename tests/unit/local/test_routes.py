from typing import Any

import pytest

from infra.local.routes import Route, RouteTable, declared_route, routes_of
from topshelf.errors import TopshelfError

FUNCTION = "arn:aws:lambda:r:1:function:f"
URI = f"arn:aws:apigateway:r:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def route(key: str) -> Route:
    method, _, path = key.partition(" ")
    return Route(method, path, URI, iam=False)


TABLE = RouteTable(
    map(
        route,
        [
            "ANY /$default",
            "GET /pets/{proxy+}",
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "ANY /{proxy+}",
            "POST /pets",
        ],
    )
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("PUT", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("POST", "/pets", "POST /pets", {}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_wins(
    method: str, path: str, key: str, parameters: dict[str, str]
) -> None:
    found = TABLE.match(method, path)
    assert found is not None
    assert (found[0].key, found[1]) == (key, parameters)


def test_no_route_is_no_match() -> None:
    table = RouteTable([route("GET /v1/users/{proxy+}")])
    assert table.match("GET", "/v1/users/") is None
    assert table.match("POST", "/v1/users/a") is None
    assert table.match("GET", "/v1/users") is None


def body(**changes: Any) -> dict[str, Any]:
    integration = {"type": "aws_proxy", "uri": URI, "payloadFormatVersion": "2.0"}
    operation = {"x-amazon-apigateway-integration": integration, **changes}
    return {"paths": {"/a": {"get": operation}}}


def test_routes_of_a_body() -> None:
    (found,) = routes_of(body(security=[{"AWS_IAM": []}]))
    assert (found.key, found.iam) == ("GET /a", True)
    assert found.function == FUNCTION
    (unsigned,) = routes_of(body(security=[{"NONE": []}]))
    assert not unsigned.iam


@pytest.mark.parametrize(
    "changes",
    [
        {"security": [{"Jwt": []}]},
        {"x-amazon-apigateway-integration": {"type": "http_proxy", "uri": "http://x"}},
        {
            "x-amazon-apigateway-integration": {
                "type": "aws_proxy",
                "uri": URI,
                "payloadFormatVersion": "1.0",
            }
        },
    ],
)
def test_what_is_not_played_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TopshelfError, match="GET /a"):
        list(routes_of(body(**changes)))


ALIAS = f"{FUNCTION}:live"
INTEGRATIONS = {
    "i1": {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": ALIAS,
        "PayloadFormatVersion": "2.0",
    },
    "i2": {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x"},
    "i3": {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": ALIAS,
        "PayloadFormatVersion": "1.0",
    },
}


@pytest.mark.parametrize(("said", "iam"), [("AWS_IAM", True), ("NONE", False)])
def test_a_route_of_its_own(said: str, iam: bool) -> None:
    properties = {
        "RouteKey": "GET /v1/items/{proxy+}",
        "Target": "integrations/i1",
        "AuthorizationType": said,
    }
    found = declared_route(properties, INTEGRATIONS)
    assert (found.key, found.iam, found.function) == ("GET /v1/items/{proxy+}", iam, ALIAS)


def test_the_route_of_everything_else() -> None:
    found = declared_route({"RouteKey": "$default", "Target": "integrations/i1"}, INTEGRATIONS)
    assert (found.key, found.method) == ("$default", "ANY")
    assert RouteTable([found]).match("PUT", "/a/b") is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Target": "integrations/i2"}, "only functions"),
        ({"Target": "integrations/none"}, "only functions"),
        ({"Target": "integrations/i3"}, "payload format 2.0"),
        ({"AuthorizationType": "JWT"}, "checks no tokens"),
        ({"AuthorizationType": "CUSTOM"}, "cannot play CUSTOM"),
    ],
)
def test_a_declared_route_that_is_not_played_is_refused(
    changes: dict[str, str], words: str
) -> None:
    properties = {"RouteKey": "GET /a", "Target": "integrations/i1", **changes}
    with pytest.raises(TopshelfError, match=f"route GET /a: .*{words}"):
        declared_route(properties, INTEGRATIONS)
