"""The Spark session of a training."""

import os
import sys
from pathlib import Path
from tempfile import gettempdir

from pyspark.sql import SparkSession

__all__ = ["LOCAL", "training_session"]

LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""Of a session on this machine: nothing listens but on loopback."""

# Tasks share a machine's cores: each computes with one thread.
_ONE_THREAD = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def training_session(master: str | None = None, **options: str) -> SparkSession:
    """A session for trainings.

    Args:
        master: ``local[n]`` to run on this machine; None where spark-submit says it.
        options: Of Spark, by name, with ``_`` for ``.`` where written as keywords.
    """
    builder = SparkSession.builder.appName("topshelf training")
    chosen = {name.replace("_", "."): value for name, value in options.items()}
    if master is not None:
        builder = builder.master(master)
        chosen = LOCAL | chosen
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # A connection to Java for each thread is not safe from Python's collector, which may speak
        # through it while a call is under way; connections taken from a pool are.
        os.environ.setdefault("PYSPARK_PIN_THREAD", "false")
        # PySpark takes the first python3 on the path otherwise, and is told no other way.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name in _ONE_THREAD:
        builder = builder.config(f"spark.executorEnv.{name}", "1")
    # Compiled code of numba is kept where a worker may write.
    cache = str(Path(gettempdir()) / f"topshelf-numba-{os.getuid()}")
    builder = builder.config("spark.executorEnv.NUMBA_CACHE_DIR", cache)
    for name, value in chosen.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
