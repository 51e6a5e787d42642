"""One Spark session for the tests of a module, on loopback."""

import warnings
from collections.abc import Iterator

import pytest
from pyspark import SparkContext

from training.spark.session import training_session


@pytest.fixture(scope="module")
def context() -> Iterator[SparkContext]:
    with warnings.catch_warnings():
        # PySpark looks at the version of pandas, which nothing here uses, when a session begins.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        session = training_session("local[2]", spark_driver_memory="2g")
    session.sparkContext.setLogLevel("ERROR")
    yield session.sparkContext
    session.stop()
