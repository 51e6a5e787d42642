"""The training on Spark beside that of one machine: ``make bench-spark``.

``python -m tests.benchmarks.spark_quality --data <ml1m.npz>``. Protocol A of
tests.benchmarks.splits: both train on the same viewers with the parameters that
tests.benchmarks.protocols chose on validation viewers, and are asked by the same fold-in.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from pyspark import RDD, SparkContext
from scipy.sparse import csr_matrix

from tests.benchmarks.splits import Asked, MovieLens, strong_split
from tests.fakes.model_ports import FakeCheckpoints
from topshelf.damping import Damping
from topshelf.factors import gram_matrix
from topshelf.metrics import hit_matrix, ndcg_at_k
from topshelf.ranking import top_k
from topshelf.recency import Recency
from training.als import ALSFactors, ALSParameters, fit_als, fold_in_users
from training.selection import Timeline
from training.spark.als import fit_shared
from training.spark.progress import ItemCheckpoints
from training.spark.session import training_session

__all__ = ["PARAMETERS", "fit_on_spark", "main", "ndcg", "shares"]

PARAMETERS = ALSParameters(factors=64, regularization=0.0063, exponent=1.0, iterations=8)
ALPHA = 4.0


def shares(context: SparkContext, matrix: csr_matrix, parts: int) -> RDD[Timeline]:
    """The viewers of a matrix, shared out in their order."""
    bounds = np.linspace(0, matrix.shape[0], parts + 1).astype(int)
    blocks = [matrix[start:stop] for start, stop in pairwise(bounds)]
    timelines = [Timeline(b.indptr, b.indices, b.data, b.shape[1]) for b in blocks]
    return context.parallelize(timelines, parts)


def fit_on_spark(timelines: RDD[Timeline], parameters: ALSParameters) -> ALSFactors:
    """The factors that a training on Spark learns of the histories."""
    runs = ItemCheckpoints(FakeCheckpoints(), parameters)
    none = Recency(), Damping()
    shared = fit_shared(
        timelines, parameters, lambda _: None, runs.of, recency=none[0], damping=none[1]
    )
    return shared.model().factors


def ndcg(factors: ALSFactors, asked: Asked) -> float:
    """NDCG@100 of the viewers who are asked."""
    weighed = asked.history.copy()
    weighed.data[:] = 1 + ALPHA
    users = fold_in_users(
        factors.items, gram_matrix(factors.items), weighed, factors.regularization
    )
    ranked = top_k(users, factors.items, weighed.indptr, weighed.indices, 100).rows
    hits = hit_matrix(ranked, asked.targets.indptr, asked.targets.indices)
    return float(ndcg_at_k(hits, np.diff(asked.targets.indptr), 100).mean())


def weighted(matrix: csr_matrix) -> csr_matrix:
    """The same entries with the confidence of a like."""
    found = matrix.copy()
    found.data[:] = 1 + ALPHA
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=int, default=4)
    chosen = parser.parse_args(arguments)
    data = MovieLens.read(chosen.data)
    began = time.perf_counter()
    spark = training_session("local[2]", spark_driver_memory="4g")
    context = spark.sparkContext
    context.setLogLevel("ERROR")
    sys.stdout.write(f"the session stands after {time.perf_counter() - began:.1f} s\n")
    machines: dict[str, Callable[[csr_matrix], ALSFactors]] = {
        "one machine": lambda matrix: fit_als(matrix, PARAMETERS, lambda _: None),
        "Spark, local[2]": lambda matrix: fit_on_spark(
            shares(context, matrix, chosen.parts), PARAMETERS
        ),
    }
    splits = [strong_split(data, seed) for seed in range(3)]
    for run in machines.values():
        run(weighted(splits[0].train))  # compiles, and starts the workers
    sys.stdout.write("training               NDCG@100 of 3 splits      mean  seconds a training\n")
    try:
        for name, run in machines.items():
            began = time.perf_counter()
            trained = [run(weighted(split.train)) for split in splits]
            seconds = (time.perf_counter() - began) / len(splits)
            figures = [
                ndcg(factors, split.test) for factors, split in zip(trained, splits, strict=True)
            ]
            each = "  ".join(f"{value:.4f}" for value in figures)
            sys.stdout.write(f"{name:<22} {each}  {np.mean(figures):.4f}  {seconds:8.1f}\n")
            sys.stdout.flush()
    finally:
        spark.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"peak memory of the driver's Python: {peak:,.0f} MiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
