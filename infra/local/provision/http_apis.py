"""HTTP APIs: the API with what its OpenAPI body holds, and its stages."""

from collections.abc import Mapping
from typing import Any

from infra.local.provision.base import Context, Creator, Provisioned
from infra.local.routes import routes_of

__all__ = ["API", "STAGE"]


def _create_api(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    body = given.pop("Body", {})
    information = body.get("info", {})
    name = given.pop("Name", None) or information.get("title") or context.name(logical_id)
    given.setdefault("Description", information.get("description"))
    # Only what imports the body; the routes are made one by one below.
    given.pop("FailOnWarnings", None)
    api = next((api for api in _apis(context) if api["Name"] == name), None)
    if api is None:
        protocol = given.pop("ProtocolType", "HTTP")
        api = context.call("apigatewayv2", "create_api", Name=name, ProtocolType=protocol, **given)
    else:
        changed = {key: value for key, value in given.items() if key != "ProtocolType"}
        context.call("apigatewayv2", "update_api", ApiId=api["ApiId"], **changed)
        if "CorsConfiguration" not in given:
            context.found("apigatewayv2", "delete_cors_configuration", ApiId=api["ApiId"])
    api_id = api["ApiId"]
    if body:
        _replace_routes(context, api_id, body)
    endpoint = f"https://{api_id}.execute-api.{context.region}.amazonaws.com"
    return Provisioned(api_id, {"ApiId": api_id, "ApiEndpoint": endpoint})


def _apis(context: Context) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = context.call("apigatewayv2", "get_apis")["Items"]
    return found


def _replace_routes(context: Context, api_id: str, body: Mapping[str, Any]) -> None:
    for old in context.call("apigatewayv2", "get_routes", ApiId=api_id)["Items"]:
        context.call("apigatewayv2", "delete_route", ApiId=api_id, RouteId=old["RouteId"])
    for old in context.call("apigatewayv2", "get_integrations", ApiId=api_id)["Items"]:
        context.call(
            "apigatewayv2",
            "delete_integration",
            ApiId=api_id,
            IntegrationId=old["IntegrationId"],
        )
    integrations: dict[str, str] = {}
    for route in routes_of(body):
        if route.integration_uri not in integrations:
            answer = context.call(
                "apigatewayv2",
                "create_integration",
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationMethod="POST",
                IntegrationUri=route.integration_uri,
                PayloadFormatVersion="2.0",
            )
            integrations[route.integration_uri] = answer["IntegrationId"]
        context.call(
            "apigatewayv2",
            "create_route",
            ApiId=api_id,
            RouteKey=route.key,
            AuthorizationType="AWS_IAM" if route.iam else "NONE",
            Target=f"integrations/{integrations[route.integration_uri]}",
        )


def _api_exists(context: Context, api: Provisioned, properties: Mapping[str, Any]) -> object:
    if not properties.get("Body"):
        return context.found("apigatewayv2", "get_api", ApiId=api.physical_id)
    answer = context.found("apigatewayv2", "get_routes", ApiId=api.physical_id)
    wanted = {route.key for route in routes_of(properties["Body"])}
    return answer and wanted == {route["RouteKey"] for route in answer["Items"]}


def _create_stage(context: Context, _: str, properties: Mapping[str, Any]) -> Provisioned:
    given = dict(properties)
    name = given.pop("StageName")
    api_id = given.pop("ApiId")
    if context.found("apigatewayv2", "get_stage", ApiId=api_id, StageName=name):
        # A stage holds nothing, and moto's UpdateStage fails on what CreateStage takes.
        context.call("apigatewayv2", "delete_stage", ApiId=api_id, StageName=name)
    context.call("apigatewayv2", "create_stage", ApiId=api_id, StageName=name, **given)
    return Provisioned(name)


def _stage_exists(context: Context, stage: Provisioned, properties: Mapping[str, Any]) -> object:
    return context.found(
        "apigatewayv2", "get_stage", ApiId=properties["ApiId"], StageName=stage.physical_id
    )


def _delete_api(context: Context, api: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("apigatewayv2", "delete_api", ApiId=api.physical_id)


def _delete_stage(context: Context, stage: Provisioned, properties: Mapping[str, Any]) -> None:
    api_id, name = properties["ApiId"], stage.physical_id
    context.found("apigatewayv2", "delete_stage", ApiId=api_id, StageName=name)


API = Creator(_create_api, _api_exists, _delete_api)
STAGE = Creator(_create_stage, _stage_exists, _delete_stage)
