"""The function as it would be without care: boto3 for its client, beside what it needs."""

from typing import Any

import boto3
import handler

client = boto3.client("dynamodb")
resource = boto3.resource("dynamodb")


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Answers one request, as the artefact does."""
    return handler.lambda_handler(event, context)
