"""A killed training, and what another finds of it."""

from dataclasses import replace

import pytest

from tests.fakes.model_ports import FakeCheckpoints
from tests.unit.test_als import SMALL, two_tastes
from training.als import ALSFactors, ALSParameters, fit_als
from training.checkpoints import Checkpoints

LONG = replace(SMALL, iterations=8)


class KilledError(Exception):
    """Stands for the kill: nothing of the training catches it."""


def killed_at(iteration: int, store: FakeCheckpoints, parameters: ALSParameters = LONG) -> None:
    def kill(done: int) -> None:
        if done == iteration:
            raise KilledError

    with pytest.raises(KilledError):
        fit_als(two_tastes(), parameters, kill, Checkpoints(store))


def again(
    store: FakeCheckpoints, parameters: ALSParameters = LONG, seed: int = 0
) -> tuple[ALSFactors, list[int]]:
    told: list[int] = []
    return fit_als(two_tastes(seed), parameters, told.append, Checkpoints(store)), told


def test_a_killed_training_continues_to_the_same_bytes() -> None:
    whole = fit_als(two_tastes(), LONG, lambda _: None)
    store = FakeCheckpoints()
    killed_at(7, store)
    found, told = again(store)
    assert told == [6, 7, 8]
    assert found.users.tobytes() == whole.users.tobytes()
    assert found.items.tobytes() == whole.items.tobytes()


def test_a_training_killed_at_its_end_fits_nothing_again() -> None:
    store = FakeCheckpoints()
    killed_at(8, store)
    found, told = again(store)
    assert told == [8]
    assert found.items.tobytes() == fit_als(two_tastes(), LONG, lambda _: None).items.tobytes()


def test_threads_are_no_part_of_what_decides() -> None:
    store = FakeCheckpoints()
    killed_at(4, store)
    assert again(store, replace(LONG, threads=2))[1] == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"regularization": 2.0}, {"factors": 7}, {"iterations": 5}]
)
def test_other_parameters_begin_anew(other: dict[str, int]) -> None:
    store = FakeCheckpoints()
    killed_at(4, store)
    parameters = replace(LONG, **other)  # type: ignore[arg-type]
    assert again(store, parameters)[1] == list(range(1, parameters.iterations + 1))


def test_other_data_begin_anew() -> None:
    store = FakeCheckpoints()
    killed_at(4, store)
    assert again(store, seed=1)[1] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_checkpoint_costs_the_time_and_not_the_training(damage: bytes) -> None:
    store = FakeCheckpoints()
    killed_at(4, store)
    store.kept = dict.fromkeys(store.kept, damage)
    assert again(store)[1] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_checkpoint_cut_short_is_damaged() -> None:
    store = FakeCheckpoints()
    killed_at(4, store)
    store.kept = {run: content[:-100] for run, content in store.kept.items()}
    assert again(store)[1] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_each_few_iterations_are_kept_and_all_is_cleared() -> None:
    store = FakeCheckpoints()
    checkpoints = Checkpoints(store, every=3)
    fit_als(two_tastes(), LONG, lambda _: None, checkpoints)
    assert store.saves == 3  # after 3, 6 and the last
    store.kept["of another job"] = b""
    checkpoints.clear()
    assert list(store.kept) == ["of another job"]
