"""The signing key while Secrets Manager fails, and while there is but one key."""

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.fakes.aws_client import ScriptedClient, refusal
from topshelf.aws.signing_secret import SigningSecret
from topshelf.errors import UnavailableError

FAILURES = [
    EndpointConnectionError(endpoint_url="https://secretsmanager"),
    ReadTimeoutError(endpoint_url="https://secretsmanager"),
    refusal("ThrottlingException"),
    refusal("AccessDeniedException"),
    refusal("ResourceNotFoundException"),
]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def key(value: str) -> dict[str, str]:
    return {"SecretString": value}


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_an_old_key_outlives_an_outage(failure: Exception) -> None:
    client, clock = ScriptedClient(key("old"), failure, failure, key("new")), Clock()
    secret = SigningSecret(client, secret="arn", monotonic=clock)
    for now, signed_with, asked in (
        (0, b"old", 1),
        (299.9, b"old", 1),
        (300, b"old", 2),
        (309.9, b"old", 2),
        (310, b"old", 3),
        (319.9, b"old", 3),
        (320, b"new", 4),
        # From then on it is remembered as long as ever.
        (619.9, b"new", 4),
    ):
        clock.now = now
        assert (secret.current(), len(client.calls)) == (signed_with, asked)
    assert client.calls[0] == ("get_secret_value", {"SecretId": "arn"})


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_is_remembered_for_ten_seconds(failure: Exception) -> None:
    client, clock = ScriptedClient(failure, key("first")), Clock()
    secret = SigningSecret(client, secret="arn", monotonic=clock)
    told = set()
    for clock.now in (0, 5, 9.9):
        with pytest.raises(UnavailableError, match=r"^the signing secret") as error:
            secret.current()
        told.add(str(error.value))
    assert (len(told), len(client.calls)) == (1, 1)
    clock.now = 10
    assert secret.current() == b"first"


def test_before_the_first_rotation_one_key_is_accepted() -> None:
    client = ScriptedClient(key("only"), refusal("ResourceNotFoundException"))
    secret = SigningSecret(client, secret="arn", monotonic=Clock())
    assert secret.accepted() == (b"only",)
    assert [arguments["VersionStage"] for _, arguments in client.calls] == [
        "AWSCURRENT",
        "AWSPREVIOUS",
    ]


def test_while_a_key_rotates_the_newer_one_comes_first() -> None:
    client = ScriptedClient(key("new"), key("old"))
    secret = SigningSecret(client, secret="arn", monotonic=Clock())
    assert secret.accepted() == (b"new", b"old")


def test_a_secret_without_any_key_is_told() -> None:
    gone = refusal("ResourceNotFoundException")
    secret = SigningSecret(ScriptedClient(gone, gone), secret="arn", monotonic=Clock())
    with pytest.raises(UnavailableError, match=r"^there is no signing secret$"):
        secret.accepted()


def test_an_outage_is_not_taken_for_a_missing_key() -> None:
    client = ScriptedClient(key("new"), refusal("InternalServiceError"))
    secret = SigningSecret(client, secret="arn", monotonic=Clock())
    with pytest.raises(UnavailableError, match="InternalServiceError"):
        secret.accepted()
