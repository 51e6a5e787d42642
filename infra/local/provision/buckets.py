"""S3 buckets and their policies."""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.provision.base import Context, Creator, Provisioned, document, tag_list
from topshelf.errors import TopshelfError

__all__ = ["BUCKET", "BUCKET_POLICY"]

_SAME_IN_BOTH: Final = {
    "AbortIncompleteMultipartUpload",
    "NoncurrentVersionExpiration",
    "Status",
}
_PLAYED: Final = {
    "BucketEncryption",
    "BucketName",
    "LifecycleConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
    "VersioningConfiguration",
}


def _create_bucket(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    unknown = sorted(properties.keys() - _PLAYED)
    if unknown:
        raise TopshelfError(f"the local cloud cannot play {', '.join(unknown)} of a bucket")
    name = properties.get("BucketName") or context.name(logical_id).lower()
    if context.found("s3", "head_bucket", Bucket=name):
        _clear(context, name, properties)
    else:
        elsewhere = context.region != "us-east-1"
        location = {"LocationConstraint": context.region} if elsewhere else None
        context.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=location)
    _configure(context, name, properties)
    return Provisioned(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{context.region}.amazonaws.com",
        },
    )


def _configure(context: Context, name: str, properties: Mapping[str, Any]) -> None:
    encryption = properties.get("BucketEncryption")
    if encryption:
        rules = encryption["ServerSideEncryptionConfiguration"]
        context.call(
            "s3",
            "put_bucket_encryption",
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": [_encryption_rule(r) for r in rules]},
        )
    lifecycle = properties.get("LifecycleConfiguration")
    if lifecycle:
        context.call(
            "s3",
            "put_bucket_lifecycle_configuration",
            Bucket=name,
            LifecycleConfiguration={"Rules": [_lifecycle_rule(r) for r in lifecycle["Rules"]]},
        )
    tags = tag_list(properties)
    for operation, argument, value in (
        (
            "put_public_access_block",
            "PublicAccessBlockConfiguration",
            properties.get("PublicAccessBlockConfiguration"),
        ),
        (
            "put_bucket_ownership_controls",
            "OwnershipControls",
            properties.get("OwnershipControls"),
        ),
        (
            "put_bucket_versioning",
            "VersioningConfiguration",
            properties.get("VersioningConfiguration"),
        ),
        ("put_bucket_tagging", "Tagging", {"TagSet": tags} if tags else None),
    ):
        if value:
            context.call("s3", operation, Bucket=name, **{argument: value})


def _clear(context: Context, name: str, properties: Mapping[str, Any]) -> None:
    """Takes from a bucket what the template does not say of it."""
    for said, operation in (
        ("BucketEncryption", "delete_bucket_encryption"),
        ("LifecycleConfiguration", "delete_bucket_lifecycle"),
        ("OwnershipControls", "delete_bucket_ownership_controls"),
        ("PublicAccessBlockConfiguration", "delete_public_access_block"),
        ("Tags", "delete_bucket_tagging"),
    ):
        if said not in properties:
            context.found("s3", operation, Bucket=name)
    versioning = context.call("s3", "get_bucket_versioning", Bucket=name)
    if "VersioningConfiguration" not in properties and versioning.get("Status") == "Enabled":
        off = {"Status": "Suspended"}
        context.call("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration=off)


def _encryption_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {renamed.get(name, name): value for name, value in rule.items()}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"Filter": {"Prefix": ""}}
    for name, value in rule.items():
        match name:
            case "Id":
                out["ID"] = value
            case "Prefix":
                out["Filter"] = {"Prefix": value}
            case "ExpirationInDays":
                out["Expiration"] = {"Days": value}
            case "Transitions":
                out["Transitions"] = [
                    {"StorageClass": t["StorageClass"], "Days": t["TransitionInDays"]}
                    for t in value
                ]
            case _ if name in _SAME_IN_BOTH:
                out[name] = value
            case _:
                raise TopshelfError(f"the local cloud cannot play {name} of a lifecycle rule")
    return out


def _bucket_exists(context: Context, bucket: Provisioned, _: Mapping[str, Any]) -> object:
    return context.found("s3", "head_bucket", Bucket=bucket.physical_id)


def _over_http(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy without its TLS-only statements.

    The emulator speaks plain HTTP, and weighs a Deny without its Condition: such a statement would
    close the bucket to everybody.
    """
    tls_only = {"Bool": {"aws:SecureTransport": "false"}}
    kept = [rule for rule in policy["Statement"] if rule.get("Condition") != tls_only]
    return {**policy, "Statement": kept}


def _create_policy(context: Context, logical_id: str, properties: Mapping[str, Any]) -> Provisioned:
    policy = document(_over_http(properties["PolicyDocument"]))
    context.call("s3", "put_bucket_policy", Bucket=properties["Bucket"], Policy=policy)
    return Provisioned(logical_id)


def _policy_exists(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> object:
    return context.found("s3", "get_bucket_policy", Bucket=properties["Bucket"])


def _delete_bucket(context: Context, bucket: Provisioned, _: Mapping[str, Any]) -> None:
    context.found("s3", "delete_bucket", Bucket=bucket.physical_id)


def _delete_policy(context: Context, _: Provisioned, properties: Mapping[str, Any]) -> None:
    context.found("s3", "delete_bucket_policy", Bucket=properties["Bucket"])


BUCKET = Creator(_create_bucket, _bucket_exists, _delete_bucket)
BUCKET_POLICY = Creator(_create_policy, _policy_exists, _delete_policy)
