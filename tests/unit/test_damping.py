"""How much an interaction counts, by what others and the viewer did; numbers worked by hand."""

import numpy as np
import pytest

from topshelf.damping import Damping


def test_an_item_with_the_usual_number_of_viewers_is_left_alone() -> None:
    viewers = np.array([4, 16, 10, 10])  # 10 on average
    assert Damping(items=1.0).item_strengths(viewers).tolist() == pytest.approx([2.5, 0.625, 1, 1])


def test_the_power_is_that_of_the_settings() -> None:
    viewers = np.array([4, 36, 16, 8])  # 16 on average
    strengths = Damping(items=0.5).item_strengths(viewers)
    assert strengths.tolist() == pytest.approx([2, 2 / 3, 1, 2**0.5])
    assert strengths.dtype == np.float32


def test_items_that_nobody_saw_count_as_seen_once_and_not_for_the_usual_item() -> None:
    strengths = Damping(items=1.0).item_strengths(np.array([0, 1, 3]))  # 2 on average
    assert strengths.tolist() == pytest.approx([2, 2, 2 / 3])


def test_where_nobody_saw_anything_one_viewer_is_usual() -> None:
    assert Damping(items=1.0).item_strengths(np.array([0, 0])).tolist() == [1, 1]


def test_without_a_power_nothing_is_damped() -> None:
    off = Damping()
    assert off.item_strengths(np.array([1, 1000])).tolist() == [1, 1]
    assert off.history_strengths(np.array([1, 1000])).tolist() == [1, 1]


def test_long_histories_count_less_for_each_item() -> None:
    damping = Damping(users=0.5, usual_history=100.0)
    strengths = damping.history_strengths(np.array([100, 400, 25]))
    assert strengths.tolist() == pytest.approx([1, 0.5, 2])
    assert strengths.dtype == np.float32


def test_an_empty_history_counts_as_one_item() -> None:
    damping = Damping(users=1.0, usual_history=2.0)
    assert damping.history_strengths(np.array([0, 1])).tolist() == [2, 2]


@pytest.mark.parametrize("name", ["items", "users"])
@pytest.mark.parametrize("power", [-0.1, 2.1, float("nan")])
def test_powers_out_of_range_are_named(name: str, power: float) -> None:
    with pytest.raises(ValueError, match="damping items and users must be"):
        Damping(**{name: power})


@pytest.mark.parametrize("name", ["items", "users"])
def test_the_ends_of_the_range_are_in_it(name: str) -> None:
    assert Damping(**{name: 2.0}) != Damping(**{name: 0.0})


@pytest.mark.parametrize("usual", [0.0, -1.0, float("nan")])
def test_a_usual_history_has_a_length(usual: float) -> None:
    with pytest.raises(ValueError, match="usual_history must be above"):
        Damping(usual_history=usual)
