"""An emulator that has no API Gateway: the local cloud's own is enough."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.stub import Stubber

from infra.local.provision import CREATORS, Context
from infra.local.translate import Translation

ROUTE = {"ApiId": "a1", "RouteKey": "GET /v1/popular", "Target": "integrations/i1"}


@pytest.fixture
def context() -> Context:
    made = Context("s", "us-east-1", "1", "http://127.0.0.1:9", Translation({}, {}, {}), False)
    made._clients["apigatewayv2"] = get_session().create_client(
        "apigatewayv2",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return made


def stub(context: Context) -> Stubber:
    return Stubber(context.client("apigatewayv2"))


def test_what_the_emulator_has_is_made_there(context: Context) -> None:
    creator = CREATORS["AWS::ApiGatewayV2::Route"]
    with stub(context) as answers:
        answers.add_response("create_route", {"RouteId": "r1"}, ROUTE)
        made = creator.create(context, "Popular", ROUTE)
        assert made.physical_id == "r1"
        answers.add_response("get_route", {"RouteId": "r1"}, {"ApiId": "a1", "RouteId": "r1"})
        assert creator.exists(context, made, ROUTE)
        answers.add_response("delete_route", {}, {"ApiId": "a1", "RouteId": "r1"})
        creator.delete(context, made, ROUTE)
        answers.assert_no_pending_responses()


def test_what_it_does_not_offer_is_played_here(context: Context) -> None:
    with stub(context) as answers:
        answers.add_client_error("get_apis", "InternalFailure", "not in your plan", 501)
        api = CREATORS["AWS::ApiGatewayV2::Api"].create(context, "HttpApi", {"Name": "s"})
        answers.add_client_error("create_route", "InternalFailure", "not in your plan", 501)
        creator = CREATORS["AWS::ApiGatewayV2::Route"]
        route = creator.create(context, "Popular", ROUTE)
        # Nobody is asked about either.
        assert CREATORS["AWS::ApiGatewayV2::Api"].exists(context, api, {})
        assert creator.exists(context, route, ROUTE)
        creator.delete(context, route, ROUTE)
    assert api.physical_id != route.physical_id
    assert api.physical_id in str(api.attributes["ApiEndpoint"])


@pytest.mark.parametrize(("code", "status"), [("BadRequestException", 400), ("Oops", 500)])
def test_another_refusal_is_no_reason_to_go_on(context: Context, code: str, status: Any) -> None:
    with stub(context) as answers:
        answers.add_client_error("create_route", code, "no", status)
        with pytest.raises(ClientError):
            CREATORS["AWS::ApiGatewayV2::Route"].create(context, "Popular", ROUTE)
