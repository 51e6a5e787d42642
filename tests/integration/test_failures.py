"""A server that is not there: the error names the store and the address."""

import pytest

from infra.local.listening import free_port
from topshelf.aws.clients import create_client
from topshelf.aws.failures import failures_of
from topshelf.errors import UnavailableError


def test_a_server_that_is_not_there_is_named_with_its_address() -> None:
    endpoint = f"http://localhost:{free_port()}"
    dynamodb = create_client("dynamodb", "us-east-1", endpoint, attempts=1)
    said = f"at {endpoint}/?; is it running"
    with pytest.raises(UnavailableError, match=said), failures_of("the store"):
        dynamodb.list_tables()
