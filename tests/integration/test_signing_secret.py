"""The signing key: read from Secrets Manager once in a while, remembered in between."""

from typing import Any
from uuid import uuid4

import pytest

from topshelf.aws.signing_secret import SigningSecret
from topshelf.errors import UnavailableError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_rotated_key_is_taken_up_after_five_minutes(client: Any) -> None:
    manager, clock = client("secretsmanager"), Clock()
    arn = manager.create_secret(Name=f"s-{uuid4().hex[:8]}", SecretString="first")["ARN"]
    secret = SigningSecret(manager, secret=arn, monotonic=clock)
    assert secret.current() == b"first"
    manager.put_secret_value(SecretId=arn, SecretString="second")
    clock.now = 299
    assert secret.current() == b"first"
    clock.now = 300
    assert secret.current() == b"second"


def test_a_missing_secret_is_told_and_asked_for_again_in_a_while(client: Any) -> None:
    manager, clock, name = client("secretsmanager"), Clock(), f"s-{uuid4().hex[:8]}"
    secret = SigningSecret(manager, secret=name, monotonic=clock)
    with pytest.raises(UnavailableError, match="signing secret"):
        secret.current()
    manager.create_secret(Name=name, SecretString="late")
    clock.now = 9
    with pytest.raises(UnavailableError):
        secret.current()
    clock.now = 10
    assert secret.current() == b"late"


def test_a_known_key_outlives_an_outage(client: Any) -> None:
    manager, clock, name = client("secretsmanager"), Clock(), f"s-{uuid4().hex[:8]}"
    manager.create_secret(Name=name, SecretString="known")
    secret = SigningSecret(manager, secret=name, monotonic=clock)
    secret.current()
    manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    clock.now = 300
    assert secret.current() == b"known"


def test_the_key_before_is_accepted_while_it_rotates(client: Any) -> None:
    manager, name = client("secretsmanager"), f"s-{uuid4().hex[:8]}"
    secret = SigningSecret(manager, secret=name, monotonic=Clock())
    with pytest.raises(UnavailableError):
        secret.accepted()
    manager.create_secret(Name=name, SecretString="first")
    assert secret.accepted() == (b"first",)
    manager.put_secret_value(SecretId=name, SecretString="second")
    assert secret.accepted() == (b"second", b"first")
