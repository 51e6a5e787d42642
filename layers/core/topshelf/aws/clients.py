"""Clients of AWS: botocore's own in Lambda, localstack_client's where an endpoint is set."""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

__all__ = ["create_client"]

_CONNECT_SECONDS = 2.0


def create_client(
    service: str,
    region: str,
    endpoint_url: str | None = None,
    *,
    timeout: float = 30.0,
    attempts: int = 4,
) -> Any:
    """A client of one service.

    botocore's client rather than boto3's, because it loads in half the time.

    Args:
        service: As botocore names it, ``dynamodb`` for one.
        region: AWS region.
        endpoint_url: An emulator's address; None for AWS itself.
        timeout: Seconds to wait for an answer, and for a connection (2 at most).
        attempts: Calls in all, the first included.
    """
    config = Config(
        connect_timeout=min(timeout, _CONNECT_SECONDS),
        read_timeout=timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path"} if endpoint_url else {},
    )
    if endpoint_url is None:
        return _session().create_client(service, region_name=region, config=config)
    # Not in Lambda: the package is there for local work only.
    from localstack_client.session import Session as LocalSession  # noqa: PLC0415

    host = endpoint_url.removeprefix("http://").removeprefix("https://").rstrip("/")
    session = LocalSession(region_name=region, localstack_host=host)
    return session.client(service, config=config)


@cache
def _session() -> Session:
    """One for every client: what it has read of endpoints and credentials is not read again."""
    return get_session()
