import math

import numpy as np
import pytest

from topshelf.metrics import (
    catalog_coverage,
    hit_matrix,
    mean_reciprocal_rank_at_k,
    ndcg_at_k,
    paired_bootstrap_ratio,
    precision_at_k,
    recall_at_k,
)

# The first viewer hits at places 1 and 3, having 3 targets, the second at 2 of 1, the third never.
RANKED = np.array([[4, 0, 2, 7], [5, 6, 1, -1], [0, 1, -1, -1]])
INDPTR = np.array([0, 3, 4, 6])
TARGETS = np.array([2, 4, 9, 6, 8, 9])
N_TARGETS = np.array([3, 1, 2])
HITS = hit_matrix(RANKED, INDPTR, TARGETS)


def test_hits() -> None:
    assert HITS.astype(int).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_ndcg() -> None:
    # First: (1 + 1/2) / (1 + 1/log2 3 + 1/2); second: (1/log2 3) / 1.
    expected = [1.5 / (1.5 + 1 / math.log2(3)), 1 / math.log2(3), 0.0]
    assert ndcg_at_k(HITS, N_TARGETS, 3) == pytest.approx(expected)
    assert ndcg_at_k(HITS, N_TARGETS, 1) == pytest.approx([1.0, 0.0, 0.0])
    # Deeper than the ranking: nothing more is found.
    assert ndcg_at_k(HITS, N_TARGETS, 10) == pytest.approx(expected)


def test_precision() -> None:
    assert precision_at_k(HITS, 2) == pytest.approx([0.5, 0.5, 0.0])
    assert precision_at_k(HITS, 10) == pytest.approx([0.2, 0.1, 0.0])


def test_recall_is_divided_by_the_smaller_of_k_and_the_targets() -> None:
    assert recall_at_k(HITS, N_TARGETS, 2) == pytest.approx([1 / 2, 1.0, 0.0])
    assert recall_at_k(HITS, N_TARGETS, 4) == pytest.approx([2 / 3, 1.0, 0.0])


def test_mean_reciprocal_rank() -> None:
    assert mean_reciprocal_rank_at_k(HITS, 4) == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert mean_reciprocal_rank_at_k(HITS, 1) == pytest.approx(1 / 3)


def test_coverage_counts_distinct_items_of_the_catalogue() -> None:
    assert catalog_coverage(RANKED, 10, 2) == pytest.approx(5 / 10)  # 4 0 5 6 1
    assert catalog_coverage(RANKED, 10, 4) == pytest.approx(7 / 10)  # and 2 7


def test_bootstrap_keeps_pairs_together() -> None:
    b = np.random.default_rng(1).random(200)
    # a is exactly twice b, so every resample has the ratio 2: unpaired draws would not.
    found = paired_bootstrap_ratio(2 * b, b, np.random.default_rng(2), resamples=50)
    assert (found.ratio, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_bootstrap_interval_holds_the_ratio_and_follows_the_generator() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random(500) + 0.2, rng.random(500)
    one = paired_bootstrap_ratio(a, b, np.random.default_rng(4), resamples=300)
    assert one == paired_bootstrap_ratio(a, b, np.random.default_rng(4), resamples=300)
    assert one.low < one.ratio < one.high
    # Delta method: variances 1/12, means 0.7 and 0.5, so the standard error of the ratio is
    # sqrt((1/12 + 1.4^2 / 12) / 500) / 0.5 = 0.0444; the interval is 2 * 1.96 of them wide.
    assert one.high - one.low == pytest.approx(3.92 * 0.0444, rel=0.2)


def test_a_ratio_to_nothing_is_infinite() -> None:
    found = paired_bootstrap_ratio(np.ones(3), np.zeros(3), np.random.default_rng(0), resamples=5)
    assert found.ratio == found.low == math.inf


def test_unpaired_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="paired"):
        paired_bootstrap_ratio(np.ones(3), np.ones(2), np.random.default_rng(0))
