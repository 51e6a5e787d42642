"""From Lambda to an application: built with the first request, or before a snapshot is taken.

With SnapStart a process is built once, frozen, and restored many times, later and elsewhere:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html. What it has built by then is there at
once; what it remembers of the world is old, and its clock for durations may have gone back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["Built", "Handler", "lambda_entry"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
"""Takes an event of the HTTP API and the context; gives the answer."""


@dataclass(frozen=True, slots=True)
class Built:
    """An application that is ready.

    Attributes:
        handler: Answers requests.
        forgets: Each drops something that was remembered, and is called after a restore. Clients
            stay: botocore opens broken connections anew and renews credentials by the clock.
    """

    handler: Handler
    forgets: tuple[Callable[[], None], ...] = ()


def lambda_entry(build: Callable[[], Built], *, from_snapshot: bool) -> Handler:
    """The function for Lambda to call.

    Args:
        build: Reads the settings and builds the application; called once.
        from_snapshot: Whether this process is about to be frozen: then it is built right away.
    """
    built = cache(build)
    if from_snapshot:
        # Lambda's runtime alone has it.
        hooks = import_module("snapshot_restore_py")
        for forget in built().forgets:
            hooks.register_after_restore(forget)

    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return built().handler(event, context)

    return lambda_handler
