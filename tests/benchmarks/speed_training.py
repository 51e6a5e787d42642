"""What an iteration of ALS costs, beside other libraries on the same matrix in the same run.

``python -m tests.benchmarks.speed_training``: 200,000 viewers, 20,000 items, 10 million events,
f = 64; Zipf items, log-normal viewers. The libraries take turns, so that what else the machine does
meets all alike; of each the median of its rounds. Spark's is the difference of fits with three and
one iterations, because it gives no way to run one.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import process_cpu_count

import implicit.cpu._als as implicit_als
import numpy as np
from irspack.recommenders.ials import IALSRecommender
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from tests.benchmarks.spark_als import spark_iteration
from training.kernel import half_step

__all__ = ["main", "synthetic"]

_LAMBDA = 10.0
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one iteration.

    Attributes:
        processor: Seconds of processor time, by all threads and processes.
        wall: Seconds by the clock.
    """

    processor: float
    wall: float


def synthetic(n_users: int, n_items: int, n_events: int, seed: int = 0) -> csr_matrix:
    """Confidences of 2, float32 CSR (n_users, n_items).

    Histories are log-normal in length, items Zipf with exponent 0.8. Repeated pairs fall together;
    so many are drawn that about n_events stay.
    """
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0.0, 1.0, n_users)
    popularity = np.cumsum(np.arange(1, n_items + 1) ** -0.8)
    shuffled = rng.permutation(n_items)
    drawn = 1.1 * n_events
    while True:
        lengths = np.maximum(1, activity / activity.sum() * drawn).astype(np.int64)
        users = np.repeat(np.arange(n_users), lengths)
        draws = rng.random(len(users)) * popularity[-1]
        places = np.minimum(np.searchsorted(popularity, draws), n_items - 1)
        pairs = np.unique(users * n_items + shuffled[places])
        if len(pairs) >= n_events:
            break
        drawn *= 1.05
    owners, columns = np.divmod(pairs, n_items)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=n_users))])
    values = np.full(len(pairs), 2.0, dtype=np.float32)
    arrays = values, columns.astype(np.int32), indptr.astype(np.int32)
    return csr_matrix(arrays, shape=(n_users, n_items))


@contextmanager
def _timed(into: list[Spent]) -> Iterator[None]:
    processor, wall = time.process_time(), time.perf_counter()
    yield
    into.append(Spent(time.process_time() - processor, time.perf_counter() - wall))


def _contenders(matrix: csr_matrix, f: int, threads: int) -> dict[str, Callable[[], None]]:
    transposed = matrix.T.tocsr()
    rng = np.random.default_rng(1)

    def start() -> list[np.ndarray]:
        scale = np.float32(0.1 / np.sqrt(f))
        return [rng.standard_normal((n, f), dtype=np.float32) * scale for n in matrix.shape]

    own_users, own_items = start()
    of_users, of_items = (np.full(n, _LAMBDA, dtype=np.float32) for n in matrix.shape)
    its_users, its_items = start()
    ones = matrix.copy()
    ones.data[:] = 1.0
    model = IALSRecommender(
        ones,
        n_components=f,
        alpha0=1.0,
        reg=_LAMBDA / (matrix.shape[1] + 50),
        solver_type="CG",
        max_cg_steps=_STEPS,
        n_threads=threads,
    )
    trainer = model._create_trainer()

    def ours() -> None:
        half_step(matrix, of_users, own_items, own_users, threads)
        half_step(transposed, of_items, own_users, own_items, threads)

    def theirs() -> None:
        solve = implicit_als.least_squares_cg
        solve(matrix, its_users, its_items, _LAMBDA, num_threads=threads, cg_steps=_STEPS)
        solve(transposed, its_items, its_users, _LAMBDA, num_threads=threads, cg_steps=_STEPS)

    return {"implicit": theirs, "topshelf": ours, "irspack": trainer.run_epoch}


def main(arguments: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-spark", action="store_true", help="leave Spark out; it is slow")
    chosen = parser.parse_args(arguments)
    threads = process_cpu_count() or 1
    matrix = synthetic(chosen.users, chosen.items, chosen.events)
    spent: dict[str, list[Spent]] = {}
    with threadpool_limits(1, "blas"):
        contenders = _contenders(matrix, chosen.factors, threads)
        for iterate in contenders.values():
            iterate()  # compiles, and fills caches
        for _ in range(chosen.rounds):
            for name, iterate in contenders.items():
                with _timed(spent.setdefault(name, [])):
                    iterate()
    if not chosen.no_spark:
        spent["Spark"] = [Spent(*spark_iteration(matrix, chosen.factors, threads))]
    _print(spent, f"{matrix.shape[0]} x {matrix.shape[1]}, {matrix.nnz} events, {threads} threads")
    return 0


def _print(spent: dict[str, list[Spent]], title: str) -> None:
    table = Table(title=f"An iteration: {title}", title_justify="left")
    for column in ("", "CPU s", "of implicit's", "wall s", "of implicit's"):
        table.add_column(column, justify="right" if column else "left")
    medians = {
        name: (
            statistics.median(one.processor for one in rounds),
            statistics.median(one.wall for one in rounds),
        )
        for name, rounds in spent.items()
    }
    for name, (processor, wall) in medians.items():
        processor_ratio, wall_ratio = (
            processor / medians["implicit"][0],
            wall / medians["implicit"][1],
        )
        table.add_row(
            name,
            f"{processor:.2f}",
            f"{processor_ratio:.2f}",
            f"{wall:.2f}",
            f"{wall_ratio:.2f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    sys.exit(main())
