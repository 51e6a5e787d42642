"""botocore's errors as our own: each names the store and says what to do."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from infra.local.listening import free_port
from topshelf.aws.clients import create_client
from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError, NotFoundError, UnavailableError


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NoSuchKey", NotFoundError),
        ("ResourceNotFoundException", NotFoundError),
        ("ConditionalCheckFailedException", ConflictError),
        ("PreconditionFailed", ConflictError),
        ("ProvisionedThroughputExceededException", UnavailableError),
        ("AccessDeniedException", UnavailableError),
    ],
)
def test_codes_of_services_have_their_kind(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"the store: {code}"), failures_of("the store"):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetItem")


def test_a_server_that_is_not_there_is_named_with_its_address() -> None:
    endpoint = f"http://localhost:{free_port()}"
    dynamodb = create_client("dynamodb", "us-east-1", endpoint, attempts=1)
    said = f"at {endpoint}/?; is it running"
    with pytest.raises(UnavailableError, match=said), failures_of("the store"):
        dynamodb.list_tables()


def test_a_slow_server_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="does not answer"), failures_of("the store"):
        raise ReadTimeoutError(endpoint_url="http://localhost")
