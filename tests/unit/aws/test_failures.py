"""botocore's errors as our own: each names the store and says what to do."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from tests.fakes.aws_client import refusal
from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError, NotFoundError, TopshelfError, UnavailableError


def told(error: Exception) -> TopshelfError:
    """What becomes of an error; the first one stays known."""
    with pytest.raises(TopshelfError) as caught, failures_of("the store"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (
            NotFoundError,
            "404 NotFound NoSuchBucket NoSuchKey ResourceNotFoundException ImportNotFoundException",
        ),
        (
            ConflictError,
            "412 PreconditionFailed ConditionalRequestConflict ConditionalCheckFailedException"
            " ResourceInUseException",
        ),
    ],
)
def test_codes_of_services_have_their_kind(kind: type[TopshelfError], codes: str) -> None:
    for code in codes.split():
        error = told(refusal(code))
        assert (type(error), str(error)) == (kind, f"the store: {code}")


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "AccessDeniedException", "SlowDown", "500", ""],
)
def test_any_other_code_is_unavailable_and_brings_the_services_own_words(code: str) -> None:
    error = told(refusal(code, "because"))
    assert (type(error), str(error)) == (UnavailableError, f"the store: {code}; because")


def test_an_answer_without_a_code_is_unavailable() -> None:
    error = told(ClientError({}, "AnOperation"))
    assert (type(error), str(error)) == (UnavailableError, "the store: ; ")


def test_a_server_that_is_not_there_is_named_with_its_address() -> None:
    error = told(EndpointConnectionError(endpoint_url="http://localhost:4566/", error="refused"))
    assert type(error) is UnavailableError
    assert str(error) == "the store does not answer at http://localhost:4566/; is it running?"


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="http://localhost"),
        ConnectTimeoutError(endpoint_url="http://localhost"),
        ConnectionClosedError(endpoint_url="http://localhost"),
        NoCredentialsError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_went_wrong_on_the_way_is_named(error: BotoCoreError) -> None:
    said = told(error)
    assert type(said) is UnavailableError
    assert str(said) == f"the store does not answer ({type(error).__name__})"


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(KeyError), failures_of("the store"):
        raise KeyError("Items")
