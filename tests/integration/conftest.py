"""What a training container finds around it, on an emulator."""

from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture
def bucket(client: Any, emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket and a registry of one name, which the environment tells a training of."""
    name = f"lake-{uuid4().hex[:8]}"
    client("s3").create_bucket(Bucket=name)
    client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("TOPSHELF_BUCKET", name)
    monkeypatch.setenv("TOPSHELF_REGISTRY_TABLE", name)
    return name
