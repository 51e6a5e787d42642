"""A template that changes under a cloud, and the engineer who changes it."""

from pathlib import Path
from typing import Any

import requests
import yaml

from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.listening import free_port
from tests.conftest import REGION
from topshelf.aws.clients import create_client

KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
OTHER_KEY = [{"AttributeName": "name", "KeyType": "HASH"}]


def table(key: list[dict[str, str]] = KEY, **more: Any) -> dict[str, Any]:
    name = key[0]["AttributeName"]
    return {
        "Type": "AWS::DynamoDB::Table",
        **more,
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"}],
            "KeySchema": key,
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    }


def function(logs: str, **events: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "handler.lambda_handler",
            "CodeUri": "code/",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "LoggingConfig": {"LogGroup": {"Ref": logs}},
            "Environment": {"Variables": {"ROUND": "1"}},
            "Events": events,
        },
    }


def route(path: str) -> dict[str, Any]:
    return {
        "Type": "HttpApi",
        "Properties": {"ApiId": {"Ref": "Api"}, "Method": "GET", "Path": path},
    }


BASE: dict[str, Any] = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    },
    "Api": {"Type": "AWS::Serverless::HttpApi"},
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Web": function("Logs", Old=route("/old")),
    "Listener": function(
        "Logs",
        Stream={
            "Type": "DynamoDB",
            "Properties": {
                "Stream": {"Fn::GetAtt": ["Kept", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
            },
        },
    ),
    "Kept": table(DeletionPolicy="Retain", UpdateReplacePolicy="Retain"),
    "Gone": table(),
    "Lake": {"Type": "AWS::S3::Bucket"},
    "Empty": {"Type": "AWS::S3::Bucket"},
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": {"PasswordLength": 32}},
    },
}


class Engineer:
    """Somebody with a template, who changes it."""

    def __init__(self, folder: Path) -> None:
        self.template = folder / "template.yaml"
        (folder / "code").mkdir()
        (folder / "code" / "handler.py").write_text(
            "import json, os\n"
            "def lambda_handler(event, context):\n"
            "    for record in event.get('Records', []):\n"
            "        print('got ' + record['dynamodb']['Keys']['id']['S'], flush=True)\n"
            "    return {'statusCode': 200, 'body': os.environ.get('ROUND', 'none')}\n"
        )
        self.resources = dict(BASE)
        self.options = LocalCloudOptions(
            template=self.template,
            cloud_port=free_port(),
            api_port=free_port(),
            lambda_port=free_port(),
            auth=False,
            state_dir=folder / "state",
            persist=folder / "kept",
        )
        self.cloud: LocalCloud

    def write(self, resources: dict[str, Any] | None = None) -> None:
        document = {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": self.resources if resources is None else resources,
            "Outputs": {
                name: {"Value": {"Ref": name}}
                for name in ("Kept", "Lake", "Secret", "Web", "Listener")
                if name in (self.resources if resources is None else resources)
            },
        }
        self.template.write_text(yaml.safe_dump(document, sort_keys=False))

    def start(self) -> None:
        self.cloud = LocalCloud(self.options)
        self.cloud.start()

    def client(self, service: str) -> Any:
        return create_client(service, REGION, self.cloud.endpoint_url, attempts=1)

    def get(self, path: str) -> tuple[int, str]:
        answer = requests.get(f"{self.cloud.api_url}{path}", timeout=30)
        return answer.status_code, answer.text

    def tables(self) -> list[str]:
        found: list[str] = self.client("dynamodb").list_tables()["TableNames"]
        return found

    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]

    def heard(self) -> list[str]:
        log = self.options.state_dir / "logs" / f"{self.cloud.outputs['Listener']}.log"
        return log.read_text().splitlines() if log.exists() else []

    def put(self, name: str) -> None:
        self.client("dynamodb").put_item(
            TableName=self.cloud.outputs["Kept"], Item={"id": {"S": name}}
        )
