"""Driving the release function from a terminal: the same steps that a state machine takes."""

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.cli.stack import Stack
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["release", "rollback"]

_POLL_SECONDS = 0.5


class ReleaseRefusedError(TopshelfError):
    """The release function refused a step; the text is its own."""


def release(stack: Stack, version: str, on_step: Callable[[str], None]) -> dict[str, Any]:
    """Verifies, imports, checks and flips.

    Args:
        stack: Where.
        version: The model version.
        on_step: Told what is being done.

    Returns:
        What the last step said: ``version`` and ``previous``.

    Raises:
        ReleaseRefusedError: A step was refused; the version served before goes on.
        UnavailableError: The function cannot be reached.
    """
    client = stack.client("lambda", read_timeout=900)
    on_step("verifying the checksums of the artefact")
    _invoke(client, stack, "verify", version)
    on_step("importing the lists")
    _invoke(client, stack, "import", version)
    while (said := _invoke(client, stack, "check", version))["status"] == "running":
        on_step(f"importing the lists ({said['imported']} so far)")
        time.sleep(_POLL_SECONDS)
    on_step(f"{said['imported']} lists imported and checked, switching over")
    return _invoke(client, stack, "flip", version)


def rollback(stack: Stack) -> dict[str, Any]:
    """Flips back to the version before; raises as release does."""
    return _invoke(stack.client("lambda", read_timeout=900), stack, "rollback", "")


def _invoke(client: Any, stack: Stack, step: str, version: str) -> dict[str, Any]:
    try:
        answer = client.invoke(
            FunctionName=stack.outputs["ReleaseFunction"],
            Payload=json.dumps({"step": step, "version": version}).encode(),
        )
        said: dict[str, Any] = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(
            f"the release function does not answer ({error}); is `topshelf up` running?"
        ) from error
    if "FunctionError" in answer:
        raise ReleaseRefusedError(str(said.get("errorMessage", said)))
    return said
