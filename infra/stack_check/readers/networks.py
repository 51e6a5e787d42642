"""The network of the training job."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = [
    "ASSOCIATION",
    "ATTACHMENT",
    "ENDPOINT",
    "GATEWAY",
    "ROUTE",
    "ROUTE_TABLE",
    "SECURITY_GROUP",
    "SUBNET",
    "VPC",
]


def _one(services: Services, operation: str, field: str, **parameters: Any) -> Any:
    answer = services.ask("ec2", operation, **parameters) or {}
    return next(iter(answer.get(field, [])), None)


def _vpc(services: Services, vpc_id: str, _: Mapping[str, Any]) -> Found | None:
    found = _one(services, "describe_vpcs", "Vpcs", VpcIds=[vpc_id])
    if found is None:
        return None

    def setting(attribute: str, field: str) -> Any:
        answer = services.ask("ec2", "describe_vpc_attribute", VpcId=vpc_id, Attribute=attribute)
        return (answer or {}).get(field, {}).get("Value")

    return Found(
        {
            "CidrBlock": found["CidrBlock"],
            "EnableDnsHostnames": lambda: setting("enableDnsHostnames", "EnableDnsHostnames"),
            "EnableDnsSupport": lambda: setting("enableDnsSupport", "EnableDnsSupport"),
            "Tags": found.get("Tags", []),
        },
        {"VpcId": vpc_id, "CidrBlock": found["CidrBlock"]},
    )


def _subnet(services: Services, subnet_id: str, said: Mapping[str, Any]) -> Found | None:
    found = _one(services, "describe_subnets", "Subnets", SubnetIds=[subnet_id])
    if found is None:
        return None
    return Found({name: found.get(name) for name in said}, {"SubnetId": subnet_id})


def _gateway(services: Services, gateway_id: str, _: Mapping[str, Any]) -> Found | None:
    found = _one(
        services,
        "describe_internet_gateways",
        "InternetGateways",
        InternetGatewayIds=[gateway_id],
    )
    if found is None:
        return None
    return Found({"Tags": found.get("Tags", [])}, {"InternetGatewayId": gateway_id})


def _attachment(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    found = _one(
        services,
        "describe_internet_gateways",
        "InternetGateways",
        InternetGatewayIds=[said["InternetGatewayId"]],
    )
    networks = [each["VpcId"] for each in (found or {}).get("Attachments", [])]
    return Found(dict(said)) if said["VpcId"] in networks else None


def _table(services: Services, table_id: str) -> Any:
    return _one(services, "describe_route_tables", "RouteTables", RouteTableIds=[table_id])


def _route_table(services: Services, table_id: str, _: Mapping[str, Any]) -> Found | None:
    found = _table(services, table_id)
    if found is None:
        return None
    properties = {"VpcId": found["VpcId"], "Tags": found.get("Tags", [])}
    return Found(properties, {"RouteTableId": table_id})


def _route(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    routes = (_table(services, said["RouteTableId"]) or {}).get("Routes", [])
    there = said["DestinationCidrBlock"]
    found = next((each for each in routes if each.get("DestinationCidrBlock") == there), None)
    return None if found is None else Found({**found, "RouteTableId": said["RouteTableId"]})


def _association(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    associations = (_table(services, said["RouteTableId"]) or {}).get("Associations", [])
    subnets = [each.get("SubnetId") for each in associations]
    return Found(dict(said)) if said["SubnetId"] in subnets else None


def _endpoint(services: Services, endpoint_id: str, said: Mapping[str, Any]) -> Found | None:
    found = _one(services, "describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[endpoint_id])
    return None if found is None else Found({name: found.get(name) for name in said})


def _security_group(services: Services, group_id: str, _: Mapping[str, Any]) -> Found | None:
    found = _one(services, "describe_security_groups", "SecurityGroups", GroupIds=[group_id])
    if found is None:
        return None
    return Found(
        {
            "GroupDescription": found["Description"],
            "GroupName": found["GroupName"],
            "SecurityGroupEgress": _rules(found.get("IpPermissionsEgress", [])),
            "SecurityGroupIngress": _rules(found.get("IpPermissions", [])),
            "VpcId": found.get("VpcId"),
        },
        {"GroupId": group_id, "VpcId": found.get("VpcId")},
    )


def _rules(permissions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "CidrIp": block["CidrIp"],
            "Description": block.get("Description"),
            "FromPort": each.get("FromPort"),
            "IpProtocol": each["IpProtocol"],
            "ToPort": each.get("ToPort"),
        }
        for each in permissions
        for block in each.get("IpRanges", [])
    ]


ASSOCIATION: Final = Reader(_association)
ATTACHMENT: Final = Reader(_attachment)
ENDPOINT: Final = Reader(_endpoint)
GATEWAY: Final = Reader(_gateway)
ROUTE: Final = Reader(_route)
ROUTE_TABLE: Final = Reader(_route_table)
SECURITY_GROUP: Final = Reader(_security_group)
SUBNET: Final = Reader(_subnet)
VPC: Final = Reader(_vpc)
