"""What size costs one machine, curve by curve: ``make bench-scale``; docs/scale.md tells of it.

Each curve changes one of viewers, movies, interactions and factors, and leaves the others as in the
middle. An alternation and the lists are timed apart, in seconds of processor; dollars are what
Fargate takes for two processors and 16 GB while they are busy, by infra/costs/prices.json.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from infra.costs.prices import read_prices
from training.ranker import ItemRanker
from training.solver import half_step

__all__ = ["Size", "curves", "made", "main", "measured"]

_FARGATE_GB = 16
_FARGATE_VCPU = 2
_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """A training.

    Attributes:
        viewers: Rows.
        movies: Columns.
        each: Interactions of a viewer, before repeats are dropped.
        factors: f.
    """

    viewers: int = 20_000
    movies: int = 10_000
    each: int = 40
    factors: int = 64


def curves() -> Iterator[tuple[str, list[Size]]]:
    """The sizes to measure, by what they change."""
    middle = Size()
    yield "viewers", [replace(middle, viewers=n) for n in (10_000, 20_000, 40_000)]
    yield "movies", [replace(middle, movies=n) for n in (5_000, 10_000, 20_000)]
    yield "interactions", [replace(middle, each=n) for n in (20, 40, 80)]
    yield "factors", [replace(middle, factors=n) for n in (32, 64, 128)]


def made(size: Size, seed: int = 0) -> csr_matrix:
    """Confidences of a Zipf-like catalogue, float32 CSR."""
    rng = np.random.default_rng(seed)
    shares = 1.0 / np.arange(1, size.movies + 1)
    columns = rng.choice(size.movies, size.viewers * size.each, p=shares / shares.sum())
    rows = np.repeat(np.arange(size.viewers), size.each)
    pairs = np.unique(rows * size.movies + columns)
    shape = (size.viewers, size.movies)
    values = np.full(len(pairs), 2.0, dtype=np.float32)
    return csr_matrix((values, np.divmod(pairs, size.movies)), shape=shape)


def measured(size: Size) -> tuple[int, float, float]:
    """Entries, and seconds of processor of an alternation and of the lists of 1,000 viewers."""
    matrix = made(size)
    transposed = matrix.T.tocsr()
    rng = np.random.default_rng(1)
    users, items = (
        (rng.standard_normal((n, size.factors)) * 0.01).astype(np.float32) for n in matrix.shape
    )
    lambdas = [np.full(n, 50.0, dtype=np.float32) for n in matrix.shape]

    def alternate() -> None:
        half_step(matrix, lambdas[0], items, users, _FARGATE_VCPU)
        half_step(transposed, lambdas[1], users, items, _FARGATE_VCPU)

    few = slice(0, _LISTED)
    seen, ranker = matrix[few], ItemRanker(items)
    alternation = _least_of_three(alternate)
    lists = _least_of_three(lambda: ranker.top_k(users[few], seen.indptr, seen.indices, 100))
    return matrix.nnz, alternation, lists * 1000 / _LISTED


def _least_of_three(work: Callable[[], object]) -> float:
    """Seconds of processor; what else the machine does makes them more, and never less."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def main() -> int:
    """Prints the curves."""
    prices = read_prices()
    hour = prices.of("fargate_vcpu", _FARGATE_VCPU) + prices.of("fargate_memory", _FARGATE_GB)
    # The first call of each loop compiles it.
    measured(Size(viewers=1000, movies=300, each=5))
    sys.stdout.write(
        "curve         viewers   movies  interactions  factors  an alternation  "
        "1,000 lists  dollars of 15 and all lists\n"
    )
    known: dict[Size, tuple[int, float, float]] = {}
    for name, sizes in curves():
        for size in sizes:
            if size not in known:
                known[size] = measured(size)
            entries, alternation, lists = known[size]
            # Seconds of processor, on two processors at once.
            seconds = (15 * alternation + lists * size.viewers / 1000) / _FARGATE_VCPU
            sys.stdout.write(
                f"{name:<12}{size.viewers:>9,}{size.movies:>9,}{entries:>14,}{size.factors:>9}"
                f"{alternation:>14.2f} s{lists:>11.3f} s{seconds * hour / 3600:>26.5f}\n"
            )
            sys.stdout.flush()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"peak memory: {peak:,.0f} MiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
