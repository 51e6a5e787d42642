"""Work on all cores: threads of our own, over parts that no result depends on."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import process_cpu_count

from threadpoolctl import threadpool_limits

__all__ = ["in_threads"]


def in_threads[A, B](work: Callable[[A], B], parts: Iterable[A], threads: int = 0) -> Iterator[B]:
    """The work's results, in the order of the parts.

    Threads and not processes: numpy, BLAS, zlib and compiled loops run without the interpreter's
    lock, and all share one model. BLAS has one thread in each, so that it neither competes with
    them nor has other last bits.

    Args:
        work: What is done with a part, safe beside itself.
        parts: Of like size, several for each thread.
        threads: At once; 0 means one a core.
    """
    pool = ThreadPoolExecutor(threads or process_cpu_count() or 1)
    try:
        with threadpool_limits(1, "blas"):
            yield from pool.map(work, parts)
    finally:
        # After a failure or an interrupt nobody waits for parts that have not begun.
        pool.shutdown(cancel_futures=True)
