"""S3 buckets and their policies."""

from collections.abc import Mapping
from typing import Any, Final

from infra.stack_check.services import Found, Reader, Services

__all__ = ["BUCKET", "BUCKET_POLICY"]

_LIFECYCLE_NAMES: Final = {
    "AbortIncompleteMultipartUpload": "AbortIncompleteMultipartUpload",
    "ID": "Id",
    "NoncurrentVersionExpiration": "NoncurrentVersionExpiration",
    "Status": "Status",
}


def _bucket(services: Services, name: str, _: Mapping[str, Any]) -> Found | None:
    if services.ask("s3", "head_bucket", Bucket=name) is None:
        return None

    def part(operation: str, field: str) -> Any:
        return (services.ask("s3", operation, Bucket=name) or {}).get(field)

    return Found(
        {
            "BucketName": name,
            "BucketEncryption": lambda: _encryption(
                part("get_bucket_encryption", "ServerSideEncryptionConfiguration")
            ),
            "LifecycleConfiguration": lambda: {
                "Rules": [
                    _lifecycle_rule(rule)
                    for rule in part("get_bucket_lifecycle_configuration", "Rules") or []
                ]
            },
            "OwnershipControls": lambda: part("get_bucket_ownership_controls", "OwnershipControls"),
            "PublicAccessBlockConfiguration": lambda: part(
                "get_public_access_block", "PublicAccessBlockConfiguration"
            ),
            "Tags": lambda: part("get_bucket_tagging", "TagSet"),
            "VersioningConfiguration": lambda: {"Status": part("get_bucket_versioning", "Status")},
        },
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{services.region}.amazonaws.com",
        },
    )


def _encryption(found: Mapping[str, Any] | None) -> Any:
    renamed = {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}
    rules = (found or {}).get("Rules", [])
    return {
        "ServerSideEncryptionConfiguration": [
            {renamed.get(name, name): value for name, value in rule.items()} for rule in rules
        ]
    }


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    out = {ours: rule[name] for name, ours in _LIFECYCLE_NAMES.items() if name in rule}
    out["Prefix"] = rule.get("Filter", {}).get("Prefix", rule.get("Prefix"))
    out["ExpirationInDays"] = rule.get("Expiration", {}).get("Days")
    out["Transitions"] = [
        {"StorageClass": each["StorageClass"], "TransitionInDays": each.get("Days")}
        for each in rule.get("Transitions", [])
    ]
    return out


def _policy(services: Services, _: str, said: Mapping[str, Any]) -> Found | None:
    answer = services.ask("s3", "get_bucket_policy", Bucket=said["Bucket"])
    if answer is None:
        return None
    return Found({"Bucket": said["Bucket"], "PolicyDocument": answer["Policy"]})


BUCKET: Final = Reader(_bucket)
BUCKET_POLICY: Final = Reader(_policy)
