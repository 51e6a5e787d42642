import threading

import pytest

from training.pool import in_threads


def test_results_are_in_the_order_of_the_parts_whoever_is_first() -> None:
    second_done = threading.Event()

    def work(part: int) -> int:
        if part == 0:
            assert second_done.wait(30)
        if part == 1:
            second_done.set()
        return part * part

    assert list(in_threads(work, range(4), 2)) == [0, 1, 4, 9]


def test_after_a_failure_no_part_begins() -> None:
    begun = []

    def work(part: int) -> None:
        begun.append(part)
        raise ValueError(part)

    with pytest.raises(ValueError, match="0"):
        list(in_threads(work, range(1000), 1))
    assert len(begun) < 1000
