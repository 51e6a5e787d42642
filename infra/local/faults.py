"""What went wrong in the background, for whoever watches in the foreground."""

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Faults"]


class Faults:
    """The present faults, one a part; a part that works again takes its own back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, str] = {}

    def record(self, part: str, text: str) -> None:
        """Notes that a part does not work: one line that says what to do."""
        with self._lock:
            self._faults[part] = text

    def clear(self, part: str) -> None:
        """Notes that a part works."""
        with self._lock:
            self._faults.pop(part, None)

    def forget(self) -> None:
        """Forgets all: the parts that they were of have ended, and others begin."""
        with self._lock:
            self._faults.clear()

    def first(self) -> str | None:
        """The oldest present fault."""
        with self._lock:
            return next(iter(self._faults.values()), None)

    def guard(self, part: str, run: Callable[..., None], *arguments: Any) -> None:
        """Runs a thread's work; what nobody foresaw is noted, and raised for the traceback."""
        try:
            run(*arguments)
        except BaseException as error:
            self.record(part, f"{part} ended ({type(error).__name__}: {error}); start again")
            raise
