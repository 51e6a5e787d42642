"""Driving the release function from a terminal: the same steps that a state machine takes."""

import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.cli.console import Progress
from infra.cli.stack import Stack
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["release", "rollback"]

_POLL_SECONDS = 0.5


class ReleaseRefusedError(TopshelfError):
    """The release function refused a step; the text is its own."""


def release(
    stack: Stack, version: str, progress: Progress, *, force: bool = False
) -> dict[str, Any]:
    """Verifies, asks the gate, imports, checks and flips.

    Args:
        stack: Where.
        version: The model version.
        progress: Told of the stages ``verify``, ``gate``, ``import lists`` and ``switch over``.
        force: Whether a model is released that is not good enough by its own metrics.

    Returns:
        What the last step said: ``version`` and ``previous``.

    Raises:
        ReleaseRefusedError: A step was refused; the version served before goes on.
        UnavailableError: The function cannot be reached.
    """
    client = stack.client("lambda", timeout=900)
    progress("verify", 0, 1)
    _invoke(client, stack, "verify", version)
    progress("verify", 1, 1)
    progress("gate", 0, 1)
    _invoke(client, stack, "gate", version, force=force)
    progress("gate", 1, 1)
    progress("import lists", 0, 0)
    _invoke(client, stack, "import", version)
    while (said := _invoke(client, stack, "check", version))["status"] == "running":
        progress("import lists", said["imported"], 0)
        time.sleep(_POLL_SECONDS)
    progress("import lists", said["imported"], said["imported"])
    progress("switch over", 0, 1)
    live = _invoke(client, stack, "flip", version)
    progress("switch over", 1, 1)
    return live


def rollback(stack: Stack) -> dict[str, Any]:
    """Flips back to the version before; raises as release does."""
    return _invoke(stack.client("lambda", timeout=900), stack, "rollback", "")


def _invoke(client: Any, stack: Stack, step: str, version: str, **options: bool) -> dict[str, Any]:
    try:
        answer = client.invoke(
            FunctionName=stack.outputs["ReleaseFunction"],
            Payload=json.dumps({"step": step, "version": version, **options}).encode(),
        )
        said: dict[str, Any] = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(
            f"the release function does not answer ({error}); is `topshelf up` running?"
        ) from error
    if "FunctionError" in answer:
        raise ReleaseRefusedError(str(said.get("errorMessage", said)))
    return said
