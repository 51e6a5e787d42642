"""MLlib's ALS on this machine, to compare with: Spark's own, in a JVM of its own."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from scipy.sparse import csr_matrix

__all__ = ["spark_iteration"]

_TICKS = 100.0
"""Of a second, as /proc counts processor time (proc(5): sysconf(_SC_CLK_TCK))."""


def spark_iteration(matrix: csr_matrix, factors: int, threads: int) -> tuple[float, float]:
    """Seconds of processor and by the clock of an iteration of MLlib's implicit ALS.

    Args:
        matrix: Confidences, CSR.
        factors: f.
        threads: Of ``local[threads]``.
    """
    spark = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", "8g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", 2 * threads)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        with TemporaryDirectory(prefix="topshelf-") as folder:
            path = Path(folder) / "events.parquet"
            _frame(matrix).write_parquet(path)
            events = spark.read.parquet(str(path)).repartition(2 * threads).cache()
            events.count()
            _fit(events, factors, 1, threads)
            (one_cpu, one), (three_cpu, three) = (
                _fit(events, factors, iterations, threads) for iterations in (1, 3)
            )
    finally:
        spark.stop()
    return (three_cpu - one_cpu) / 2, (three - one) / 2


def _frame(matrix: csr_matrix) -> pl.DataFrame:
    entries = matrix.tocoo()
    return pl.DataFrame({"user": entries.row, "item": entries.col, "rating": entries.data})


def _fit(events: DataFrame, factors: int, iterations: int, threads: int) -> tuple[float, float]:
    model = ALS(
        rank=factors,
        maxIter=iterations,
        implicitPrefs=True,
        alpha=1.0,
        regParam=0.1,
        userCol="user",
        itemCol="item",
        ratingCol="rating",
        numUserBlocks=2 * threads,
        numItemBlocks=2 * threads,
        seed=1,
    )
    before, began = _java_seconds(), time.perf_counter()
    model.fit(events)
    return _java_seconds() - before, time.perf_counter() - began


def _java_seconds() -> float:
    """Processor time of this process's JVM, by all its threads."""
    total = 0.0
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total
