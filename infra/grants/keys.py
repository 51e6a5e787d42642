"""What a key of one's own asks of those who use what it encrypts.

Reading takes the key's Decrypt; writing takes a new data key too. What AWS's services do with keys
by grants of their own, as Firehose and CloudWatch Logs do, asks nothing of a role.
Reference: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from infra.grants.needs import Need, Place
from infra.local.deploy import Resource

__all__ = ["key_needs"]

_READING: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:Query",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
)
_WRITING: Final = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "s3:PutObject",
    "sns:Publish",
    "sqs:SendMessage",
)


def key_needs(needs: Iterable[Need], stack: Iterable[Resource], place: Place) -> Iterator[Need]:
    """What needs come to beyond themselves, where the things that they name have keys.

    Args:
        needs: Of one role.
        stack: The resources of the stack, resolved.
        place: Where it is.
    """
    encrypted = [
        (arn, key) for resource in stack for arn, key in _keys(resource) if key is not None
    ]
    for need in needs:
        for arn, key in encrypted:
            if need.resource == arn or need.resource.startswith(f"{arn}/"):
                for action in _actions(need.action):
                    service = need.action.split(":")[0]
                    via = {"kms:ViaService": f"{service}.{place.region}.amazonaws.com"}
                    why = "what it is for is encrypted with the key of one's own"
                    yield Need(f"kms:{action}", key, why, via)


def _actions(action: str) -> tuple[str, ...]:
    if action in _WRITING:
        return ("Decrypt", "GenerateDataKey")
    return ("Decrypt",) if action in _READING else ()


def _keys(resource: Resource) -> Iterator[tuple[str, Any]]:
    said = resource.properties
    match resource.type:
        case "AWS::DynamoDB::Table":
            yield (
                str(resource.attributes["Arn"]),
                said.get("SSESpecification", {}).get("KMSMasterKeyId"),
            )
        case "AWS::S3::Bucket":
            for rule in said.get("BucketEncryption", {}).get(
                "ServerSideEncryptionConfiguration", []
            ):
                default = rule.get("ServerSideEncryptionByDefault", {})
                yield str(resource.attributes["Arn"]), default.get("KMSMasterKeyID")
        case "AWS::SecretsManager::Secret":
            yield resource.physical_id, said.get("KmsKeyId")
        case "AWS::SNS::Topic":
            yield resource.physical_id, said.get("KmsMasterKeyId")
        case "AWS::SQS::Queue":
            yield str(resource.attributes["Arn"]), said.get("KmsMasterKeyId")
