import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from topshelf.breadth import (
    decile_of,
    exposure_gini,
    found_targets,
    intra_list_diversity,
    mean_by_decile,
    novelty,
    self_information,
)

# Four items; the second viewer's list is shorter.
RANKED = np.array([[0, 1, 2], [0, 3, -1]])


def test_self_information_is_in_bits() -> None:
    # Of 8 viewers all, a quarter, one; nobody counts as one.
    assert self_information(np.array([8, 2, 1, 0]), 8).tolist() == [0.0, 2.0, 3.0, 3.0]


def test_novelty_is_the_mean_over_filled_places() -> None:
    bits = np.array([0.0, 2.0, 3.0, 4.0])
    assert novelty(RANKED, bits, 3) == pytest.approx((0 + 2 + 3 + 0 + 4) / 5)
    assert novelty(RANKED, bits, 1) == 0.0
    assert novelty(np.array([[-1, -1]]), bits, 2) == 0.0


def test_diversity_of_right_angles_and_of_likes() -> None:
    # Cosines of the first list: 0 and 1 the same way (lengths differ), 2 at a right angle to both:
    # mean 1/3. The second list: 0 and 3 point opposite ways: -1.
    vectors = np.array([[1.0, 0], [5, 0], [0, 2], [-3, 0]])
    assert intra_list_diversity(RANKED, vectors, 3) == pytest.approx(((1 - 1 / 3) + 2) / 2)
    assert intra_list_diversity(RANKED, vectors, 2) == pytest.approx((0 + 2) / 2)
    assert intra_list_diversity(RANKED, vectors, 1) == 0.0


def test_an_item_without_a_vector_is_like_nothing() -> None:
    vectors = np.array([[1.0, 0], [0, 0], [1, 0], [0, 0]])
    # First list: one pair of three is alike. Second: none.
    assert intra_list_diversity(RANKED, vectors, 3) == pytest.approx((2 / 3 + 1) / 2)


def test_lists_of_one_item_have_no_diversity_to_count() -> None:
    vectors = np.eye(4)
    assert intra_list_diversity(np.array([[0, 1], [2, -1]]), vectors, 2) == pytest.approx(1.0)


def test_diversity_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    # Lengths below 1 and far above it.
    vectors = rng.normal(size=(30, 5)) * np.where(np.arange(30) % 2, 0.1, 9.0)[:, None]
    ranked = np.stack([rng.permutation(30)[:7] for _ in range(4)])
    cosines = [
        vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b])
        for row in ranked
        for a, b in itertools.combinations(row, 2)
    ]
    assert intra_list_diversity(ranked, vectors, 7) == pytest.approx(1 - np.mean(cosines))


def by_differences(shown: NDArray[np.int64]) -> float:
    """Gini by its definition: the mean difference of two items over twice the mean."""
    return float(np.abs(shown[:, None] - shown[None, :]).mean() / 2 / shown.mean())


def test_gini_of_exposure() -> None:
    assert exposure_gini(np.array([[0, 1], [2, 3]]), 4, 2) == 0.0
    # One item of four has everything: 1 - 1/4.
    assert exposure_gini(np.array([[2, 0], [2, 1]]), 4, 1) == pytest.approx(3 / 4)
    # Shown 2, 1, 1, 1 times: sorted 1 1 1 2 by -3 -1 1 3 is 3, over 4 * 5.
    assert exposure_gini(RANKED, 4, 3) == pytest.approx(3 / 20)
    assert exposure_gini(np.array([[-1]]), 4, 1) == 0.0


def test_gini_is_the_mean_difference() -> None:
    ranked = np.random.default_rng(4).integers(12, size=(9, 5))
    shown = np.bincount(ranked.ravel(), minlength=20)
    assert exposure_gini(ranked, 20, 5) == pytest.approx(by_differences(shown))


def test_found_targets() -> None:
    # First viewer's targets 2 and 3, the second's 0, 2: item 2 is in the first's list alone.
    indptr, targets = np.array([0, 2, 4]), np.array([2, 3, 0, 2])
    assert found_targets(RANKED, indptr, targets, 3).tolist() == [True, False, True, False]
    assert found_targets(RANKED, indptr, targets, 2).tolist() == [False, False, True, False]


def test_an_empty_place_finds_nothing_of_the_viewer_before() -> None:
    # Place -1 of viewer 1 must not count as the greatest item of viewer 0.
    ranked = np.array([[0], [-1]])
    assert found_targets(ranked, np.array([0, 1, 2]), np.array([3, 0]), 1).tolist() == [False] * 2


def test_tenths_of_ten_and_of_equals() -> None:
    assert decile_of(np.arange(10)).tolist() == list(range(10))
    # Six of eight are equal: their middle is 3 of 8; then 6.5 and 7.5 of 8.
    assert decile_of(np.array([1, 1, 5, 1, 1, 1, 9, 1])).tolist() == [3, 3, 8, 3, 3, 3, 9, 3]
    assert decile_of(np.array([7])).tolist() == [5]
    assert decile_of(np.empty(0, dtype=np.int64)).tolist() == []


def test_means_of_tenths() -> None:
    keys = np.repeat(np.arange(10, 20), 2)
    rows = mean_by_decile(np.arange(20) % 2 + keys, keys)
    assert rows[0] == (1, 10, 10, 2, 10.5)
    assert rows[-1] == (10, 19, 19, 2, 19.5)
    assert len(rows) == 10
    assert mean_by_decile(np.array([True, False, True]), np.array([4, 4, 4])) == [
        (6, 4, 4, 3, pytest.approx(2 / 3))
    ]
