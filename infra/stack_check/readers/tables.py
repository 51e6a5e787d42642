"""DynamoDB tables."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["TABLE"]

_ON: Final = ("ENABLED", "ENABLING", "UPDATING")


def _table(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    answer = services.ask("dynamodb", "describe_table", TableName=name)
    if answer is None:
        return None
    table = answer["Table"]
    encryption = table.get("SSEDescription") or {}
    throughput = table.get("ProvisionedThroughput", {})

    def time_to_live() -> dict[str, Any]:
        found = services.ask("dynamodb", "describe_time_to_live", TableName=name) or {}
        said = found.get("TimeToLiveDescription", {})
        enabled = said.get("TimeToLiveStatus") in _ON
        return {"AttributeName": said.get("AttributeName"), "Enabled": enabled}

    def recovery() -> dict[str, Any]:
        found = services.ask("dynamodb", "describe_continuous_backups", TableName=name) or {}
        said = found.get("ContinuousBackupsDescription", {}).get(
            "PointInTimeRecoveryDescription", {}
        )
        days = said.get("RecoveryPeriodInDays")
        enabled = said.get("PointInTimeRecoveryStatus") in _ON
        return {"PointInTimeRecoveryEnabled": enabled, "RecoveryPeriodInDays": days}

    def tags() -> list[dict[str, str]]:
        found = services.ask("dynamodb", "list_tags_of_resource", ResourceArn=table["TableArn"])
        listed: list[dict[str, str]] = (found or {}).get("Tags", [])
        return listed

    return Found(
        {
            "AttributeDefinitions": table["AttributeDefinitions"],
            "BillingMode": (table.get("BillingModeSummary") or {}).get(
                "BillingMode", "PROVISIONED"
            ),
            "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
            "GlobalSecondaryIndexes": table.get("GlobalSecondaryIndexes", []),
            "KeySchema": table["KeySchema"],
            "LocalSecondaryIndexes": table.get("LocalSecondaryIndexes", []),
            "PointInTimeRecoverySpecification": recovery,
            "ProvisionedThroughput": throughput,
            "SSESpecification": {
                "SSEEnabled": encryption.get("Status") in _ON,
                "SSEType": encryption.get("SSEType"),
                "KMSMasterKeyId": encryption.get("KMSMasterKeyArn"),
            },
            "StreamSpecification": table.get("StreamSpecification") or {},
            "TableName": name,
            "Tags": tags,
            "TimeToLiveSpecification": time_to_live,
        },
        {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn")},
    )


TABLE: Final = Reader(_table)
