"""The circuit breaker: open after a slow failure or many quick ones, closed by a success."""

import pytest

from topshelf.errors import UnavailableError
from topshelf.serving.breaker import CircuitBreaker


class Store:
    """Answers or fails, after as long as it is told."""

    def __init__(self, *, as_deployed: bool = False) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.down = False
        self.asked = 0
        self.breaker = (
            CircuitBreaker(lambda: self.now)
            if as_deployed
            else CircuitBreaker(
                lambda: self.now, slow=0.02, quick_failures=3, first_pause=1, longest_pause=4
            )
        )

    def _read(self) -> str:
        self.asked += 1
        self.now += self.takes
        if self.down:
            raise UnavailableError("down")
        return "answer"

    def ask(self) -> str | None:
        try:
            return self.breaker.call(self._read)
        except UnavailableError:
            return None


def test_answers_pass_through() -> None:
    assert Store().ask() == "answer"


def test_an_open_circuit_says_why_the_store_was_not_asked() -> None:
    store = Store()
    store.down, store.takes = True, 1
    with pytest.raises(UnavailableError, match=r"^down$"):
        store.breaker.call(store._read)
    with pytest.raises(
        UnavailableError, match=r"^the store did not answer a moment ago; it is left alone$"
    ):
        store.breaker.call(store._read)


def test_one_slow_failure_opens_it() -> None:
    store = Store()
    store.down, store.takes = True, 0.02
    assert [store.ask() for _ in range(10)] == [None] * 10
    assert store.asked == 1


def test_quick_failures_open_it_only_in_a_row() -> None:
    store = Store()
    for _ in range(5):
        store.down = True
        store.ask()
        store.ask()
        store.down = False
        assert store.ask() == "answer"
    store.down = True
    for _ in range(9):
        store.ask()
    assert store.asked == 15 + 3


def test_after_the_pause_one_call_is_let_through_and_a_success_closes_it() -> None:
    store = Store()
    store.down, store.takes = True, 1
    store.ask()
    store.down, store.takes = False, 0
    store.now += 0.99
    assert store.ask() is None
    store.now += 0.01
    assert store.ask() == "answer"
    store.down = True
    store.ask()
    store.down = False
    assert store.ask() == "answer"


@pytest.mark.parametrize(("failures", "pause"), [(1, 1), (2, 2), (3, 4), (4, 4)])
def test_the_pause_doubles_up_to_its_bound(failures: int, pause: float) -> None:
    store = Store()
    store.down, store.takes = True, 0.5
    for _ in range(failures):
        store.now += 100
        store.ask()
    asked, store.takes, opened = store.asked, 0, store.now
    store.now = opened + pause - 0.01
    store.ask()
    assert store.asked == asked
    store.now = opened + pause
    store.ask()
    assert store.asked == asked + 1


def test_as_deployed_the_pauses_are_1_2_4_8_and_15_seconds() -> None:
    store = Store(as_deployed=True)
    store.down, store.takes = True, 1 / 32
    store.ask()
    pauses = []
    for _ in range(6):
        opened, asked = store.now, store.asked
        while store.asked == asked:
            store.now += 0.25
            store.ask()
        pauses.append(store.now - store.takes - opened)
    assert pauses == [1, 2, 4, 8, 15, 15]


@pytest.mark.parametrize(("takes", "asked"), [(0.0, 20), (0.019, 20), (0.02, 1)])
def test_as_deployed_one_slow_or_20_quick_failures_open_it(takes: float, asked: int) -> None:
    store = Store(as_deployed=True)
    store.down, store.takes = True, takes
    for _ in range(30):
        store.ask()
    assert store.asked == asked


def test_a_circuit_that_forgets_is_closed_and_patient_again() -> None:
    store = Store()
    store.down, store.takes = True, 0.1
    store.ask()
    store.now += 1
    store.ask()  # the pause is two seconds now
    asked = store.asked
    assert store.ask() is None
    assert store.asked == asked
    store.breaker.forget()
    store.ask()
    assert store.asked == asked + 1
    store.down, store.takes = False, 0.0
    store.now += 1
    assert store.ask() == "answer"


def test_a_circuit_that_forgets_counts_failures_anew() -> None:
    store = Store()
    store.down = True
    store.ask()
    store.ask()
    store.breaker.forget()
    store.ask()
    store.ask()
    store.down = False
    assert store.ask() == "answer"
