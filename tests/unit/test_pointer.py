"""The pointer to the live version: believed for a while, never lost in an outage."""

from datetime import date

import pytest

from tests.fakes.model_ports import FakeRegistry
from topshelf.errors import UnavailableError
from topshelf.ports import Champion
from topshelf.serving.pointer import PointerCache

ONE = Champion("v1", None, date(2026, 1, 1), 1)
TWO = Champion("v2", "v1", date(2026, 1, 2), 2)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_registry_is_asked_once_in_the_ttl() -> None:
    registry, clock = FakeRegistry(ONE), Clock()
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    assert pointer.get() == ONE
    registry.live = TWO
    clock.now = 104.9
    assert pointer.get() == ONE
    assert registry.asked == 1
    clock.now = 105.0
    assert pointer.get() == TWO
    assert registry.asked == 2


def test_the_first_release_shows_at_once() -> None:
    registry = FakeRegistry()
    pointer = PointerCache(registry, ttl=5, monotonic=Clock())
    assert pointer.get() is None
    registry.live = ONE
    assert pointer.get() == ONE


def test_an_old_answer_outlives_an_outage_without_asking_every_time() -> None:
    registry, clock = FakeRegistry(ONE), Clock()
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    pointer.get()
    registry.down = True
    clock.now = 110.0
    assert pointer.get() == ONE
    assert pointer.get() == ONE
    assert registry.asked == 2
    registry.down, registry.live = False, TWO
    clock.now = 115.0
    assert pointer.get() == TWO


def test_an_outage_with_nothing_remembered_is_told() -> None:
    registry, clock = FakeRegistry(ONE), Clock()
    registry.down = True
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    with pytest.raises(UnavailableError):
        pointer.get()
    registry.down = False
    clock.now += 1.99
    with pytest.raises(
        UnavailableError, match=r"^the registry did not answer a moment ago; try again$"
    ):
        pointer.get()
    clock.now += 0.01
    assert pointer.get() == ONE


def test_the_first_answer_is_asked_for_three_times_later_ones_once() -> None:
    registry, clock = FakeRegistry(ONE), Clock()
    registry.down = True
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    with pytest.raises(UnavailableError):
        pointer.get()
    assert registry.asked == 3
    clock.now += 2
    with pytest.raises(UnavailableError):
        pointer.get()
    assert registry.asked == 4
    registry.down = False
    clock.now += 2
    pointer.get()
    registry.down = True
    clock.now += 6
    pointer.get()
    assert registry.asked == 6


def test_before_the_first_release_a_slow_registry_is_asked_again_too() -> None:
    registry, clock = FakeRegistry(), Clock()
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    assert pointer.get() is None
    registry.down = True
    with pytest.raises(UnavailableError):
        pointer.get()
    assert registry.asked == 1 + 3


def test_a_pointer_that_forgets_asks_at_once() -> None:
    registry, clock = FakeRegistry(ONE), Clock()
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    assert pointer.get() == ONE
    registry.live = TWO
    # A clock that went back, as after a snapshot.
    clock.now = 1.0
    pointer.forget()
    assert pointer.get() == TWO
    assert registry.asked == 2


def test_a_pointer_that_forgets_believes_no_old_answer() -> None:
    registry = FakeRegistry(ONE)
    pointer = PointerCache(registry, ttl=5, monotonic=Clock())
    assert pointer.get() == ONE
    pointer.forget()
    registry.down = True
    with pytest.raises(UnavailableError):
        pointer.get()
    registry.down = False
    pointer.forget()
    assert pointer.get() == ONE


def test_a_pointer_that_forgets_is_as_patient_as_a_new_one() -> None:
    registry = FakeRegistry(ONE)
    registry.down = True
    pointer = PointerCache(registry, ttl=5, monotonic=Clock())
    for asked in (3, 6):
        with pytest.raises(UnavailableError):
            pointer.get()
        assert registry.asked == asked
        pointer.forget()
