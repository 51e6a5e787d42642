"""Filling the activity store with several writers at once."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from topshelf.events import Interaction
from topshelf.ports import ActivityStore

__all__ = ["load_activity"]

_WRITERS = 4
_CALL = 500


def load_activity(
    viewers: Iterable[list[Interaction]],
    store: ActivityStore,
    *,
    arrived_at: int,
    mark_seen: bool,
) -> Iterator[int]:
    """Records events as an import does; a viewer's events are in one call.

    Args:
        viewers: The events of one viewer after another.
        store: Where they go; called from 4 threads.
        arrived_at: UTC milliseconds.
        mark_seen: See ActivityStore.

    Yields:
        Events recorded so far, after each call.

    Raises:
        UnavailableError: The store does not answer; calls not begun are given up.
    """

    def record(events: list[Interaction]) -> int:
        store.record(events, arrived_at=arrived_at, origin="import", mark_seen=mark_seen)
        return len(events)

    done = 0
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="activity") as pool:
        pending: set[Future[int]] = set()
        try:
            for call in _calls(viewers):
                pending.add(pool.submit(record, call))
                # A few calls wait in line; the rest stay where they are.
                if len(pending) >= 2 * _WRITERS:
                    ready, pending = wait(pending, return_when=FIRST_COMPLETED)
                    done += sum(future.result() for future in ready)
                    yield done
            while pending:
                ready, pending = wait(pending, return_when=FIRST_COMPLETED)
                done += sum(future.result() for future in ready)
                yield done
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _calls(viewers: Iterable[list[Interaction]]) -> Iterator[list[Interaction]]:
    call: list[Interaction] = []
    for events in viewers:
        call += events
        if len(call) >= _CALL:
            yield call
            call = []
    if call:
        yield call
