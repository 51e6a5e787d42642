"""The way into the emulator: closed for the moment in which its state is looked at.

Requests pass side by side. Whoever wants to see all stores as they are at one moment holds the
gate: requests that are inside finish, new ones wait. So no state that is kept shows the second
half of what a client did without the first.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["STATE_PATH", "Gate", "gated"]

STATE_PATH: Final = "/topshelf-local/state"
"""Where the emulator tells, as JSON, when it last kept its state and why it could not since."""

App = Callable[[Any, dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# One that waits for a message, a long poll, changes nothing and is not waited for.
_PATIENCE_SECONDS: Final = 2.0


class Gate:
    """Lets requests pass, or holds them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._held = False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """For as long as a request is inside."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def held(self) -> Iterator[None]:
        """For as long as nobody may enter; one holds it at a time."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held)
            self._held = True
            self._changed.wait_for(lambda: not self._inside, _PATIENCE_SECONDS)
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def close(self) -> None:
        """Lets nobody in any more, and waits until those inside are out."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held)
            self._held = True
            self._changed.wait_for(lambda: not self._inside, _PATIENCE_SECONDS)


def gated(app: App, gate: Gate, told: Callable[[], Mapping[str, Any]]) -> App:
    """The method of a WSGI application that answers, behind a gate.

    Args:
        app: It; done with a request when it returns, but for sending the answer.
        gate: The gate.
        told: What is answered at STATE_PATH, past the gate.
    """

    def guarded(
        itself: Any, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == STATE_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(told()).encode()]
        with gate.passing():
            return app(itself, environ, start_response)

    return guarded
