"""A closed loop: each of a few threads asks the next thing as soon as it has an answer."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

__all__ = ["closed_loop"]


def closed_loop[Asked, Answer](
    asked: Sequence[Asked],
    concurrency: int,
    connect: Callable[[], AbstractContextManager[Callable[[Asked], Answer]]],
    names: Callable[[Answer], Iterable[str]],
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[list[float], Counter[str]]:
    """Asks each thing once.

    Args:
        asked: In this order, dealt out to the threads; a viewer's id for one.
        concurrency: Number of threads.
        connect: Gives a thread its way of asking, for as long as it asks.
        names: What an answer counts as; its time is not measured.
        go_on: Asked before each; once it says no, the rest is left.

    Returns:
        Latencies in milliseconds, sorted, and how many answers had each name.
    """

    def ask_all(share: Sequence[Asked]) -> tuple[list[float], Counter[str]]:
        latencies: list[float] = []
        seen: Counter[str] = Counter()
        with connect() as ask:
            for each in share:
                if not go_on():
                    break
                began = time.perf_counter()
                answer = ask(each)
                latencies.append((time.perf_counter() - began) * 1000)
                seen.update(names(answer))
        return latencies, seen

    all_latencies: list[float] = []
    all_seen: Counter[str] = Counter()
    with ThreadPoolExecutor(concurrency) as threads:
        for latencies, seen in threads.map(
            ask_all, (asked[i::concurrency] for i in range(concurrency))
        ):
            all_latencies += latencies
            all_seen += seen
    return sorted(all_latencies), all_seen
