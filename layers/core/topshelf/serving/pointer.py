"""Which model version is live, believed for a few seconds so that few requests ask for it."""

from collections.abc import Callable

from topshelf.errors import UnavailableError
from topshelf.ports import Champion, ModelRegistry

__all__ = ["PointerCache"]

_FIRST_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0


class PointerCache:
    """The champion, read once in ``ttl`` seconds; an old answer outlives a registry outage."""

    def __init__(
        self, registry: ModelRegistry, *, ttl: float, monotonic: Callable[[], float]
    ) -> None:
        """Builds an empty cache.

        Args:
            registry: Where the champion is read.
            ttl: Seconds.
            monotonic: A clock that never goes back, in seconds.
        """
        self._registry = registry
        self._ttl = ttl
        self._monotonic = monotonic
        self.forget()

    def forget(self) -> None:
        """Asks again with the next request."""
        self._known: Champion | None = None
        self._failed = False
        self._ask_after = float("-inf")

    def get(self) -> Champion | None:
        """The champion; None before the first release.

        Raises:
            UnavailableError: The registry is out of reach and no answer of it is remembered.
        """
        now = self._monotonic()
        if now < self._ask_after:
            if self._known is None:
                raise UnavailableError("the registry did not answer a moment ago; try again")
            return self._known
        # Nothing can be answered before the first answer: a slow registry is asked again.
        attempts = 1 if self._known or self._failed else _FIRST_ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                self._known = self._registry.champion()
                self._failed = False
                break
            except UnavailableError:
                self._failed = attempt == attempts
                if self._failed and self._known is None:
                    # Left alone for a moment: an outage costs one wait, not one a request.
                    self._ask_after = self._monotonic() + _PAUSE_SECONDS
                    raise
        # "No champion yet" is asked again at once: the first release must show without delay.
        self._ask_after = now + self._ttl if self._known is not None else float("-inf")
        return self._known
