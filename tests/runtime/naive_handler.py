"""The function as it would be without care: boto3's clients, and FastAPI's page of documentation.

The rest is the artefact's own code, whose names it replaces before they are taken.
"""

from typing import Any

import boto3
from botocore.config import Config
from fastapi import FastAPI

from topshelf.aws import clients
from topshelf.web import app


def create_client(
    service: str, region: str, _endpoint_url: None, *, timeout: float, attempts: int
) -> Any:
    """A client with the limits that the function asks for."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=timeout, read_timeout=timeout, retries=retries)
    return boto3.client(service, region_name=region, config=config)


def documented(**options: Any) -> FastAPI:
    """An application with the addresses of documentation that FastAPI gives by itself."""
    return FastAPI(**{name: value for name, value in options.items() if name[-4:] != "_url"})


clients.create_client = create_client
app.FastAPI = documented  # type: ignore[misc]
handler = __import__("handler")


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Answers one request, as the artefact does."""
    return handler.lambda_handler(event, context)
