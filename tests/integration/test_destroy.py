"""The end of a deployment: nothing is left, or the data alone, and never another's."""

from typing import Any

import pytest

from infra.cli.destroying import destroy, remains_of
from infra.cli.stack import Place, Stack
from tests.conftest import REGION
from topshelf.errors import ConflictError


def table(dynamodb: Any, name: str) -> str:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def stack(client: Any, emulator: str, request: pytest.FixtureRequest) -> Stack:
    """A stack with a bucket that keeps old versions, its tables, and two model versions."""
    name = f"end-{abs(hash(request.node.name)) % 10**8}"
    dynamodb, s3 = client("dynamodb"), client("s3")
    bucket = f"{name}-bucket"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"newer"):
        s3.put_object(Bucket=bucket, Key="events/a b+c", Body=body)
    s3.put_object(Bucket=bucket, Key="models/x", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="models/x")
    outputs = {
        "TopKPrefix": f"{name}-topk",
        "BucketName": bucket,
        "ActivityTableName": table(dynamodb, f"{name}-activity"),
        "RegistryTableName": table(dynamodb, f"{name}-registry"),
    }
    for version in ("v1", "v2"):
        table(dynamodb, f"{name}-topk-{version}")
    # Of another deployment, whose name begins alike.
    table(dynamodb, f"{name}-topk2-v1")
    body = '{"Resources": {"Failures": {"Type": "AWS::SQS::Queue"}}}'
    client("cloudformation").create_stack(StackName=name, TemplateBody=body)
    return Stack(name, Place(REGION, emulator), outputs)


def tables_of(stack: Stack) -> set[str]:
    names = stack.client("dynamodb").list_tables()["TableNames"]
    return {name.removeprefix(f"{stack.name}-") for name in names if name.startswith(stack.name)}


def is_deployed(stack: Stack) -> bool:
    found = stack.client("cloudformation").list_stacks()["StackSummaries"]
    return any(
        s["StackName"] == stack.name and s["StackStatus"] != "DELETE_COMPLETE" for s in found
    )


def test_what_would_go_is_told_first(stack: Stack) -> None:
    remains = remains_of(stack)
    assert remains.versions == (f"{stack.name}-topk-v1", f"{stack.name}-topk-v2")
    assert remains.tables == (f"{stack.name}-activity", f"{stack.name}-registry")
    # Two versions of one object, one of another, and its deletion marker.
    assert (remains.objects, remains.size) == (4, 3 + 5 + 1)
    assert len(tables_of(stack)) == 5


def test_nothing_is_left_but_what_is_anothers(stack: Stack) -> None:
    stages: list[str] = []
    destroy(
        stack,
        remains_of(stack),
        keep_data=False,
        progress=lambda stage, _done, _total: stages.append(stage),
    )
    assert tables_of(stack) == {"topk2-v1"}
    assert not is_deployed(stack)
    buckets = stack.client("s3").list_buckets()["Buckets"]
    assert stack.outputs["BucketName"] not in {bucket["Name"] for bucket in buckets}
    assert set(stages) == {"lists", "objects", "stack"}


def test_the_data_can_stay(stack: Stack) -> None:
    destroy(stack, remains_of(stack), keep_data=True, progress=lambda *_: None)
    assert tables_of(stack) == {"activity", "registry", "topk2-v1"}
    assert not is_deployed(stack)
    assert remains_of(stack).objects == 4


def test_what_was_cut_short_can_be_repeated(stack: Stack) -> None:
    remains = remains_of(stack)
    stack.client("dynamodb").delete_table(TableName=remains.versions[0])
    stack.client("dynamodb").delete_table(TableName=remains.tables[0])
    destroy(stack, remains, keep_data=False, progress=lambda *_: None)
    assert tables_of(stack) == {"topk2-v1"}


def test_a_protected_table_is_told_before_anything_is_gone(stack: Stack) -> None:
    registry = stack.outputs["RegistryTableName"]
    dynamodb = stack.client("dynamodb")
    dynamodb.update_table(TableName=registry, DeletionProtectionEnabled=True)
    with pytest.raises(ConflictError, match=f"{registry} is protected.*DeletionProtection=false"):
        destroy(stack, remains_of(stack), keep_data=False, progress=lambda *_: None)
    assert (len(tables_of(stack)), remains_of(stack).objects) == (5, 4)
    assert is_deployed(stack)
