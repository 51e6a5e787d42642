"""What a deployment leaves behind when its stack is deleted, and its removal.

CloudFormation knows nothing of the tables of model versions, keeps what its template retains (lake,
activity, registry), and cannot delete a bucket that holds objects.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from infra.cli.console import Progress
from infra.cli.stack import Stack
from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError, NotFoundError

__all__ = ["Remains", "destroy", "remains_of"]

_KEYS_A_CALL = 1000  # S3's limit for DeleteObjects


@dataclass(frozen=True, slots=True)
class Remains:
    """What would be deleted.

    Attributes:
        versions: Tables of model versions.
        tables: The stack's own tables.
        bucket: The stack's bucket.
        objects: Objects in it, old versions of them and deletion markers too.
        size: Their bytes.
    """

    versions: tuple[str, ...]
    tables: tuple[str, ...]
    bucket: str
    objects: int
    size: int


def remains_of(stack: Stack) -> Remains:
    """Looks at what a stack holds.

    Raises:
        UnavailableError: A service does not answer.
    """
    prefix = stack.outputs["TopKPrefix"] + "-"
    with failures_of("DynamoDB"):
        pages = stack.client("dynamodb").get_paginator("list_tables").paginate()
        names = [name for page in pages for name in page["TableNames"]]
    bucket = stack.outputs["BucketName"]
    sizes = [size for _, size in _versions(stack.client("s3"), bucket)]
    own = (stack.outputs["ActivityTableName"], stack.outputs["RegistryTableName"])
    return Remains(
        versions=tuple(sorted(name for name in names if name.startswith(prefix))),
        tables=tuple(name for name in own if name in names),
        bucket=bucket,
        objects=len(sizes),
        size=sum(sizes),
    )


def destroy(stack: Stack, remains: Remains, *, keep_data: bool, progress: Progress) -> None:
    """Deletes a stack and what it leaves behind. May be repeated while the stack is there.

    Args:
        stack: The stack.
        remains: What it holds.
        keep_data: Whether bucket, activity and registry stay, as the template asks of
            CloudFormation.
        progress: Told of the stages.

    Raises:
        ConflictError: A table is protected; nothing is deleted.
        UnavailableError: A service does not answer, or refuses.
    """
    dynamodb, s3 = stack.client("dynamodb"), stack.client("s3")
    if not keep_data:
        _refuse_protected(dynamodb, remains.tables)
    for done, name in enumerate(remains.versions):
        progress("lists", done, len(remains.versions))
        _delete_table(dynamodb, name)
    progress("lists", len(remains.versions), len(remains.versions))
    if not keep_data:
        done = 0
        for batch in batched(_versions(s3, remains.bucket), _KEYS_A_CALL, strict=False):
            keys = [key for key, _ in batch]
            with failures_of("the bucket"):
                s3.delete_objects(Bucket=remains.bucket, Delete={"Objects": keys, "Quiet": True})
            done += len(keys)
            progress("objects", done, remains.objects)
    progress("stack", 0, 1)
    formation = stack.client("cloudformation")
    with failures_of("CloudFormation"):
        formation.delete_stack(StackName=stack.name)
        waiter = formation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=stack.name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    progress("stack", 1, 1)
    if keep_data:
        return
    # Retained by the template, so that nobody loses them by deleting a stack.
    for name in remains.tables:
        _delete_table(dynamodb, name)
    try:
        with failures_of("the bucket"):
            s3.delete_bucket(Bucket=remains.bucket)
    except NotFoundError:
        return


def _versions(s3: Any, bucket: str) -> Iterator[tuple[dict[str, str], int]]:
    with failures_of("the bucket"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for found in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                key = {"Key": found["Key"], "VersionId": found["VersionId"]}
                yield key, found.get("Size", 0)


def _refuse_protected(dynamodb: Any, tables: Iterable[str]) -> None:
    # Found out at the end, it would leave tables alone, of a stack that is gone.
    for name in tables:
        try:
            with failures_of(name):
                table = dynamodb.describe_table(TableName=name)["Table"]
        except NotFoundError:
            continue  # gone in an earlier attempt
        if table.get("DeletionProtectionEnabled"):
            raise ConflictError(
                f"{name} is protected: deploy with DeletionProtection=false first, "
                "or keep the data with --keep-data"
            )


def _delete_table(dynamodb: Any, name: str) -> None:
    try:
        with failures_of(name):
            dynamodb.delete_table(TableName=name)
    except NotFoundError:
        return
