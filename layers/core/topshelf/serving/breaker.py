"""A circuit breaker: a store that does not answer costs one timeout, not one a request.

After M. Nygard, Release It! (2nd ed., 2018), "Circuit Breaker".
"""

from collections.abc import Callable

from topshelf.errors import UnavailableError

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Calls through while the store answers; refuses at once for a while after it did not.

    A failure that comes quickly costs nothing, so it takes several in a row to open the circuit; a
    slow one opens it at once. When the pause is over one call is let through: its success closes
    the circuit, its failure doubles the pause.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        slow: float = 0.02,
        quick_failures: int = 20,
        first_pause: float = 1.0,
        longest_pause: float = 15.0,
    ) -> None:
        """Builds a closed circuit.

        Args:
            monotonic: A clock that never goes back, in seconds.
            slow: Seconds from which on a failure opens the circuit by itself.
            quick_failures: Quick failures in a row that open it.
            first_pause: Seconds that it stays open at first.
            longest_pause: Seconds that it stays open at most.
        """
        self._monotonic = monotonic
        self._slow = slow
        self._quick_failures = quick_failures
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self.forget()

    def forget(self) -> None:
        """Closes the circuit."""
        self._failures = 0
        self._pause = self._first_pause
        self._open_until = float("-inf")

    def call[T](self, read: Callable[[], T]) -> T:
        """What ``read`` gives.

        Raises:
            UnavailableError: It failed, or the circuit is open and it was not tried.
        """
        began = self._monotonic()
        if began < self._open_until:
            raise UnavailableError("the store did not answer a moment ago; it is left alone")
        try:
            found = read()
        except UnavailableError:
            self._on_failure(self._monotonic(), began)
            raise
        self._failures = 0
        self._pause = self._first_pause
        return found

    def _on_failure(self, now: float, began: float) -> None:
        self._failures += 1
        if now - began >= self._slow or self._failures >= self._quick_failures:
            self._open_until = now + self._pause
            self._pause = min(self._pause * 2, self._longest_pause)
