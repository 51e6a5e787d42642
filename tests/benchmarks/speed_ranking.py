"""What ranking for everyone costs, beside the product alone and beside implicit, in one run.

``python -m tests.benchmarks.speed_ranking``: 100,000 viewers, 20,000 items, f = 64, the best 50
without the seen ones. The ways take turns, so that what else the machine does meets all alike; of
each the median of its rounds. Scored are trained factors, of Zipf items and log-normal viewers, and
random ones, where all items are as long and nothing can be left out.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from os import process_cpu_count

import implicit.cpu.topk
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from tests.benchmarks.speed_training import synthetic
from topshelf import ranking
from training import ranker
from training.als import ALSParameters, fit_als
from training.pool import in_threads

__all__ = ["main"]

_PRODUCT = "the product alone"
_BLOCK = 512

type _Floats = NDArray[np.float32]


def main() -> int:
    """Prints a table for each kind of factors; 1 where two ways do not find the same items."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--events-each", type=int, default=50)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    seen = synthetic(chosen.viewers, chosen.items, chosen.viewers * chosen.events_each)
    parameters = ALSParameters(factors=chosen.factors, iterations=4)
    trained = fit_als(seen, parameters, lambda _: None)
    rng = np.random.default_rng(0)
    random = (
        rng.standard_normal(side.shape, np.float32) for side in (trained.users, trained.items)
    )
    same = _compare("trained factors", trained.users, trained.items, seen, chosen)
    return 0 if _compare("random factors", *random, seen, chosen) and same else 1


def _compare(
    title: str, users: _Floats, items: _Floats, seen: csr_matrix, chosen: argparse.Namespace
) -> bool:
    own = seen.indptr, seen.indices
    threads = process_cpu_count() or 1
    ways: dict[str, Callable[[], NDArray[np.integer]]] = {
        _PRODUCT: lambda: _product(users, items),
        "topshelf": lambda: ranker.top_k(users, items, *own, chosen.k).rows,
        "topshelf.ranking (numpy)": lambda: _numpy(users, items, seen, chosen.k),
        "implicit with filter": lambda: implicit.cpu.topk.topk(
            items, users, chosen.k, filter_query_items=seen, num_threads=threads
        )[0],
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    found: dict[str, NDArray[np.integer]] = {}
    ranker.top_k(users[:1], items, own[0][:2], own[1], chosen.k)  # compiles
    for done in range(chosen.rounds):
        for name, way in ways.items():
            processor, wall = time.process_time(), time.perf_counter()
            found[name] = way()
            spent[name].append((time.process_time() - processor, time.perf_counter() - wall))
            sys.stderr.write(f"{title}: round {done + 1} of {chosen.rounds}, {name}\n")
    middle = {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)]
        for name, rounds in spent.items()
    }
    table = Table("", "processor s", "wall s", "processor, ratio", "wall, ratio", title=title)
    for name, (processor, wall) in middle.items():
        ratios = (f"{a / b:.2f}" for a, b in zip((processor, wall), middle[_PRODUCT], strict=True))
        table.add_row(name, f"{processor:.2f}", f"{wall:.2f}", *ratios)
    Console(width=100).print(table)
    ranked = [found[name] for name in ways if name != _PRODUCT]
    # Where scores are the same but for rounding, either item may be first.
    share = min(float((other == ranked[0]).mean()) for other in ranked)
    sys.stdout.write(f"places with the same item by all: at least {share:.4%}\n\n")
    return share > 0.999


def _product(users: _Floats, items: _Floats) -> NDArray[np.integer]:
    """All scores, block by block, each into the room of the one before."""
    columns = [
        np.ascontiguousarray(items[at : at + _BLOCK].T) for at in range(0, len(items), _BLOCK)
    ]

    def score(start: int) -> None:
        block = users[start : start + 8 * _BLOCK]
        room = np.empty(_BLOCK * _BLOCK, dtype=np.float32)
        for at in range(0, len(block), _BLOCK):
            own = block[at : at + _BLOCK]
            for part in columns:
                shape = len(own), part.shape[1]
                np.matmul(own, part, out=room[: shape[0] * shape[1]].reshape(shape))

    for _ in in_threads(score, range(0, len(users), 8 * _BLOCK)):
        pass
    return np.empty((0, 0), dtype=np.int64)


def _numpy(users: _Floats, items: _Floats, seen: csr_matrix, k: int) -> NDArray[np.integer]:
    """The reference, on all cores as well."""

    def rank(start: int) -> NDArray[np.int64]:
        bounds = seen.indptr[start : start + 4097]
        block = users[start : start + 4096]
        return ranking.top_k(block, items, bounds, seen.indices, k, block_bytes=1 << 24).rows

    return np.concatenate(list(in_threads(rank, range(0, len(users), 4096))))


if __name__ == "__main__":
    # implicit warns of a BLAS with threads of its own, and would be slowed by it.
    with threadpool_limits(1, "blas"):
        sys.exit(main())
