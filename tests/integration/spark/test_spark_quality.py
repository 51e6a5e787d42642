"""Quality on MovieLens 1M beside one machine, and sums that are always the same."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pyspark import SparkContext

from tests.benchmarks.spark_quality import PARAMETERS, fit_on_spark, ndcg, shares, weighted
from tests.benchmarks.splits import MovieLens, strong_split
from training.als import fit_als
from training.selection import Timeline
from training.spark.sampling import sample_shared
from training.spark.sums import ordered_sum

pytestmark = [pytest.mark.slow, pytest.mark.data, pytest.mark.timeout(900)]


def test_it_is_as_good_as_one_machine(context: SparkContext, data_dir: Path) -> None:
    split = strong_split(MovieLens.read(data_dir / "ml1m.npz"), 0)
    likes = weighted(split.train)
    one = ndcg(fit_als(likes, PARAMETERS, lambda _: None), split.test)
    shared = ndcg(fit_on_spark(shares(context, likes, 4), PARAMETERS), split.test)
    assert one > 0.40
    assert shared == pytest.approx(one, abs=0.005)


def test_factors_hardly_depend_on_the_number_of_shares(
    context: SparkContext, data_dir: Path
) -> None:
    split = strong_split(MovieLens.read(data_dir / "ml1m.npz"), 0)
    likes = weighted(split.train[:1500])
    few = replace(PARAMETERS, factors=16, iterations=2)
    one, again, five = (fit_on_spark(shares(context, likes, n), few).items for n in (2, 2, 5))
    assert one.tobytes() == again.tobytes()
    np.testing.assert_allclose(five, one, atol=1e-3 * float(np.abs(one).max()))


def test_a_sample_is_of_whole_viewers_and_the_same_again(context: SparkContext) -> None:
    lengths = np.arange(40) % 7
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    all_of_them = Timeline(
        indptr, np.arange(indptr[-1]), np.ones(indptr[-1], np.float32), int(indptr[-1])
    )
    shares = [all_of_them.of(np.arange(start, start + 10)) for start in range(0, 40, 10)]
    timelines = context.parallelize(shares, 2)
    whole = sample_shared(timelines, 1, 1_000)
    np.testing.assert_array_equal(whole.rows, all_of_them.rows)
    np.testing.assert_array_equal(whole.indptr, all_of_them.indptr)
    part = sample_shared(timelines, 1, 60)
    assert 0 < len(part.rows) < len(whole.rows)
    for start, stop in pairwise(part.indptr.tolist()):
        own = part.rows[start:stop]
        assert len(own) == 0 or own.tolist() in [
            all_of_them.rows[a:b].tolist() for a, b in pairwise(indptr.tolist())
        ]
    np.testing.assert_array_equal(sample_shared(timelines, 1, 60).rows, part.rows)


def test_many_arrays_are_added_in_the_order_of_their_partitions(context: SparkContext) -> None:
    # 1e16 + 1 - 1e16 is 0 in this order, and 1 in another. Forty partitions go by groups of 7.
    values = [1e16, 1.0, -1e16, *[0.25] * 37]
    arrays = context.parallelize(values, 40).map(lambda value: np.array([value]))
    assert ordered_sum(arrays).tolist() == [9.25]
