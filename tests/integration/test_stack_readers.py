"""Readers of what no local deployment of the template holds: the network and the training job."""

import copy
import json
from typing import Any

import pytest

from infra.stack_check import WHOLE, Services, check_stack, standing
from tests.conftest import REGION
from topshelf.aws.clients import create_client

STACK = "training"
NETWORK: dict[str, Any] = {
    "Vpc": {
        "Type": "AWS::EC2::VPC",
        "Properties": {"CidrBlock": "10.86.0.0/24", "Tags": [{"Key": "Name", "Value": "training"}]},
    },
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "AvailabilityZone": "us-east-1a",
            "CidrBlock": "10.86.0.0/26",
            "MapPublicIpOnLaunch": False,
        },
    },
    "Gateway": {"Type": "AWS::EC2::InternetGateway"},
    "Attachment": {
        "Type": "AWS::EC2::VPCGatewayAttachment",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
    },
    "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
    "RouteOut": {
        "Type": "AWS::EC2::Route",
        "DependsOn": "Attachment",
        "Properties": {
            "RouteTableId": {"Ref": "Routes"},
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": {"Ref": "Gateway"},
        },
    },
    "SubnetRoutes": {
        "Type": "AWS::EC2::SubnetRouteTableAssociation",
        "Properties": {"RouteTableId": {"Ref": "Routes"}, "SubnetId": {"Ref": "Subnet"}},
    },
    "Endpoint": {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "VpcEndpointType": "Gateway",
            "ServiceName": f"com.amazonaws.{REGION}.s3",
            "RouteTableIds": [{"Ref": "Routes"}],
        },
    },
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "Out by HTTPS"},
    },
}
JOB: dict[str, Any] = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    },
    "Compute": {
        "Type": "AWS::Batch::ComputeEnvironment",
        "Properties": {
            "Type": "MANAGED",
            "State": "ENABLED",
            "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "ComputeResources": {
                "Type": "FARGATE",
                "MaxvCpus": 16,
                "Subnets": [{"Ref": "Subnet"}],
                "SecurityGroupIds": [{"Ref": "Group"}],
            },
        },
    },
    "Queue": {
        "Type": "AWS::Batch::JobQueue",
        "Properties": {
            "Priority": 1,
            "ComputeEnvironmentOrder": [
                {"Order": 1, "ComputeEnvironment": {"Ref": "Compute"}},
            ],
        },
    },
}


@pytest.fixture
def services(emulator: str) -> Services:
    return Services(
        lambda service: create_client(service, REGION, emulator), REGION, "123456789012"
    )


def test_the_network_and_the_job_are_read_as_they_were_made(services: Services) -> None:
    template = {"Resources": NETWORK | JOB}
    cloudformation = services.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    made = standing(services, STACK)
    assert made.keys() == template["Resources"].keys()
    # moto's CloudFormation says of the association, too, that it made it.
    (dropped,) = check_stack(services, template, {}, made, stack_name=STACK)
    assert (dropped.logical_id, dropped.property) == ("SubnetRoutes", WHOLE)
    services.client("ec2").associate_route_table(
        RouteTableId=made["Routes"], SubnetId=made["Subnet"]
    )
    assert check_stack(services, template, {}, made, stack_name=STACK) == []

    other = copy.deepcopy(template)
    other["Resources"]["Vpc"]["Properties"]["CidrBlock"] = "10.0.0.0/24"
    other["Resources"]["Subnet"]["Properties"]["MapPublicIpOnLaunch"] = True
    other["Resources"]["Group"]["Properties"]["GroupDescription"] = "In by HTTP"
    other["Resources"]["Compute"]["Properties"]["ComputeResources"]["MaxvCpus"] = 4
    other["Resources"]["Queue"]["Properties"]["Priority"] = 2
    found = check_stack(services, other, {}, made, stack_name=STACK)
    assert {(each.logical_id, each.property) for each in found} == {
        ("Vpc", "CidrBlock"),
        ("Subnet", "MapPublicIpOnLaunch"),
        ("Group", "GroupDescription"),
        ("Compute", "ComputeResources.MaxvCpus"),
        ("Queue", "Priority"),
    }


def test_the_application_of_spark_is_read_as_it_was_made(services: Services) -> None:
    properties = {
        "Name": "shop-training",
        "Type": "SPARK",
        "ReleaseLabel": "emr-6.9.0",  # the newest that moto knows
        "AutoStopConfiguration": {"Enabled": True, "IdleTimeoutMinutes": 5},
        "MaximumCapacity": {"Cpu": "32 vCPU", "Memory": "256 GB"},
    }
    template = {
        "Resources": {
            "Spark": {"Type": "AWS::EMRServerless::Application", "Properties": properties}
        }
    }
    answer = services.client("emr-serverless").create_application(
        name="shop-training",
        type="SPARK",
        releaseLabel="emr-6.9.0",
        autoStopConfiguration={"enabled": True, "idleTimeoutMinutes": 5},
        maximumCapacity={"cpu": "32 vCPU", "memory": "256 GB"},
    )
    made = {"Spark": answer["applicationId"]}
    assert check_stack(services, template, {}, made, stack_name=STACK) == []

    other = copy.deepcopy(template)
    changed: dict[str, Any] = other["Resources"]["Spark"]["Properties"]
    changed["MaximumCapacity"] = {"Cpu": "64 vCPU", "Memory": "256 GB"}
    found = check_stack(services, other, {}, made, stack_name=STACK)
    assert [each.property for each in found] == ["MaximumCapacity.Cpu"]
