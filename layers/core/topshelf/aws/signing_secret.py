"""The key that signs recommendation ids, from Secrets Manager, read once in a while."""

from collections.abc import Callable
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import NotFoundError, UnavailableError

__all__ = ["SigningSecret"]

_REREAD_SECONDS = 300.0
_RETRY_SECONDS = 10.0


class SigningSecret:
    """Adapter of SigningKeys; while a key rotates, ids of both are accepted."""

    def __init__(self, client: Any, *, secret: str, monotonic: Callable[[], float]) -> None:
        """Builds the adapter.

        Args:
            client: Of Secrets Manager.
            secret: Its ARN.
            monotonic: A clock that never goes back, in seconds.
        """
        self._client = client
        self._secret = secret
        self._monotonic = monotonic
        self._key = b""
        self._failure = ""
        self._reread_at = float("-inf")

    def forget(self) -> None:
        """Reads the key again."""
        self._key = b""
        self._reread_at = float("-inf")

    def current(self) -> bytes:
        """See SigningKeys. An old key outlives an outage of Secrets Manager.

        Raises:
            UnavailableError: It cannot be read and none is remembered; asked again in a while.
        """
        now = self._monotonic()
        if now >= self._reread_at:
            try:
                with failures_of("the signing secret"):
                    answer = self._client.get_secret_value(SecretId=self._secret)
                self._key = answer["SecretString"].encode()
                self._reread_at = now + _REREAD_SECONDS
            except (NotFoundError, UnavailableError) as error:
                # Not with every request: each would wait for it.
                self._reread_at = now + _RETRY_SECONDS
                self._failure = str(error)
        if not self._key:
            raise UnavailableError(self._failure)
        return self._key

    def accepted(self) -> tuple[bytes, ...]:
        """See SigningKeys. Read each time: provenance is asked for seldom.

        Raises:
            UnavailableError: The secret cannot be read.
        """
        found = []
        for stage in ("AWSCURRENT", "AWSPREVIOUS"):
            try:
                with failures_of("the signing secret"):
                    answer = self._client.get_secret_value(
                        SecretId=self._secret, VersionStage=stage
                    )
                found.append(answer["SecretString"].encode())
            except NotFoundError:
                # There is no previous key before the first rotation.
                continue
        if not found:
            raise UnavailableError("there is no signing secret")
        return tuple(found)
