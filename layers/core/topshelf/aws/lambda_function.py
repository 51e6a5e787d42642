"""Calling a function of AWS Lambda and waiting for what it says."""

import json
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import UnavailableError

__all__ = ["LambdaFunction"]


class LambdaFunction:
    """One function, or one version of it."""

    def __init__(self, client: Any, *, arn: str) -> None:
        """Builds it.

        Args:
            client: Of Lambda.
            arn: With the version where one is meant.
        """
        self._client = client
        self._arn = arn

    def invoke(self, event: dict[str, Any]) -> Any:
        """Calls it; its answer.

        Raises:
            UnavailableError: It cannot be called, or it raised; the text holds its own words.
        """
        with failures_of(self._arn):
            said = self._client.invoke(FunctionName=self._arn, Payload=json.dumps(event).encode())
            payload = said["Payload"].read()
        if "FunctionError" in said:
            text = payload.decode("utf-8", "replace")[:500]
            raise UnavailableError(f"{self._arn} failed: {text}")
        return json.loads(payload)
