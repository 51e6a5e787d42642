"""A closed loop: each of a few threads asks for the next viewer as soon as it has an answer."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

__all__ = ["closed_loop"]


def closed_loop[Answer](
    users: Sequence[str],
    concurrency: int,
    connect: Callable[[], AbstractContextManager[Callable[[str], Answer]]],
    names: Callable[[Answer], Iterable[str]],
) -> tuple[list[float], Counter[str]]:
    """Asks for each user once.

    Args:
        users: In this order, dealt out to the threads.
        concurrency: Number of threads.
        connect: Gives a thread its way of asking, for as long as it asks.
        names: What an answer counts as; its time is not measured.

    Returns:
        Latencies in milliseconds, sorted, and how many answers had each name.
    """

    def ask_all(share: Sequence[str]) -> tuple[list[float], Counter[str]]:
        latencies: list[float] = []
        seen: Counter[str] = Counter()
        with connect() as ask:
            for user in share:
                began = time.perf_counter()
                answer = ask(user)
                latencies.append((time.perf_counter() - began) * 1000)
                seen.update(names(answer))
        return latencies, seen

    all_latencies: list[float] = []
    all_seen: Counter[str] = Counter()
    with ThreadPoolExecutor(concurrency) as threads:
        for latencies, seen in threads.map(
            ask_all, (users[i::concurrency] for i in range(concurrency))
        ):
            all_latencies += latencies
            all_seen += seen
    return sorted(all_latencies), all_seen
