"""A client of AWS that answers as a test says."""

from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["Call", "ScriptedClient", "refusal"]

Call = tuple[str, dict[str, Any]]
"""An operation and its arguments."""


class ScriptedClient:
    """Any service's client: each call takes the next answer, and raises it where it is an error.

    Attributes:
        calls: What was asked.
    """

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.calls: list[Call] = []
        self._answers = list(answers)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return partial(self._answer, operation)

    def _answer(self, operation: str, **arguments: Any) -> dict[str, Any]:
        self.calls.append((operation, arguments))
        assert self._answers, f"nobody expects {operation} of {arguments}"
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def refusal(code: str, message: str = "no") -> ClientError:
    """What botocore raises for an error that the service itself answers."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "AnOperation")
