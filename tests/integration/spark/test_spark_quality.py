"""Quality on MovieLens 1M beside one machine, and sums that are always the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyspark import SparkContext

from tests.benchmarks.spark_quality import PARAMETERS, fit_on_spark, ndcg, shares, weighted
from tests.benchmarks.splits import MovieLens, strong_split
from training.als import fit_als
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


def test_many_arrays_are_added_in_the_order_of_their_partitions(context: SparkContext) -> None:
    # 1e16 + 1 - 1e16 is 0 in this order, and 1 in another. Forty partitions go by groups of 7.
    values = [1e16, 1.0, -1e16, *[0.25] * 37]
    arrays = context.parallelize(values, 40).map(lambda value: np.array([value]))
    assert ordered_sum(arrays).tolist() == [9.25]
