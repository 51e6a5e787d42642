"""The viewers' events, block by block: bounded memory, whatever the size."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from infra.simulator.catalogue import movie_id
from infra.simulator.options import SimulatorOptions
from infra.simulator.viewing import Visits, draw_visits
from infra.simulator.world import build_world, generator
from topshelf.events import Interaction

__all__ = ["Progress", "interactions", "write_lines"]

Progress = Callable[[int], None]
"""Called with the number of events written so far."""

_BLOCK_VIEWERS = 4_096
_BLOCK_EVENTS = 200_000
_FEWEST = 3
_RATING_DELAY = 60_000

# Viewing by hour of the day (UTC), midnight first: an evening peak and a quiet night.
_DAY = (5, 3, 2, 1, 1, 1, 1, 2, 3, 3, 4, 4, 5, 5, 5, 5, 6, 8, 11, 14, 16, 15, 12, 8)
_WEEKEND = 1.35

# First event's number, session's begin in seconds, viewer, movie, events, time of the view, time
# of the watch, fraction, stars.
_Row = tuple[int, int, int, int, int, int, int, float, float]


def interactions(options: SimulatorOptions) -> Iterator[Interaction]:
    """The events, exactly as many as asked for.

    Viewer by viewer, each viewer's visits in time order: a view, often a watch with the fraction
    watched, sometimes a rating in half steps, 0.5..5. A viewer has at least 3 events where the
    total allows, and no more than there are movies.

    Yields:
        Interactions with an event_id that differs between runs of different options.
    """
    run = _run(options)
    for visits, first in _blocks(options):
        for number, begin, who, movie, size, start, watched, fraction, stars in _rows(
            visits, first
        ):
            events = (
                ("view", start, None),
                ("watch", watched, fraction),
                ("rating", watched + _RATING_DELAY, stars),
            )
            for offset, (kind, timestamp, value) in enumerate(events[:size]):
                yield Interaction(
                    item_id=movie_id(movie),
                    event_type=kind,
                    timestamp=timestamp,
                    user_id=f"v{who:06d}",
                    event_value=value,
                    event_id=f"{run}-{number + offset:08d}",
                    session_id=f"s{who:06d}-{begin:x}",
                )


def write_lines(
    options: SimulatorOptions, out: BinaryIO, progress: Progress = lambda _: None
) -> None:
    """Writes the events as JSON lines, byte for byte encode_line of each, several times faster.

    Args:
        options: What to simulate.
        out: Takes the lines, a few megabytes at a time.
        progress: Called after each block.
    """
    run = _run(options)
    # Zero-padded numbers are slow to format: an item's once in a run, a visit's once in a visit.
    heads = [f'{{"item_id":"{movie_id(row)}","event_type":"' for row in range(options.movies)]
    done = 0
    for visits, first in _blocks(options):
        lines = []
        for number, begin, who, movie, size, start, watched, fraction, stars in _rows(
            visits, first
        ):
            head, user = heads[movie], f'"user_id":"v{who:06d}",'
            session = f'","session_id":"s{who:06d}-{begin:x}"}}\n'
            event_id = f'"event_id":"{run}-'
            lines.append(f'{head}view","timestamp":{start},{user}{event_id}{number:08d}{session}')
            if size > 1:
                lines.append(
                    f'{head}watch","timestamp":{watched},{user}"event_value":{fraction},'
                    f"{event_id}{number + 1:08d}{session}"
                )
            if size > 2:
                lines.append(
                    f'{head}rating","timestamp":{watched + _RATING_DELAY},{user}'
                    f'"event_value":{stars},{event_id}{number + 2:08d}{session}'
                )
        out.write("".join(lines).encode("ascii"))
        done += len(lines)
        progress(done)


def _run(options: SimulatorOptions) -> str:
    """What event ids begin with, so that two simulations in one lake are no duplicates."""
    return blake2b(repr(options).encode(), digest_size=4).hexdigest()


def _blocks(options: SimulatorOptions) -> Iterator[tuple[Visits, tuple[int, int]]]:
    """Visits of each block, with its first viewer's number and its first event's."""
    world = build_world(options)
    counts = _counts(options)
    hours = _hours(options)
    period = (options.start_ms, options.end_ms)
    before = np.concatenate(([0], np.cumsum(counts)))
    low = block = 0
    while low < len(counts):
        # Few viewers with many events are as heavy as many viewers with few.
        enough = int(np.searchsorted(before, before[low] + _BLOCK_EVENTS, side="right")) - 1
        high = min(max(enough, low + 1), low + _BLOCK_VIEWERS, len(counts))
        rng = generator(options, 3, block)
        yield draw_visits(world, counts[low:high], hours, period, rng), (low, int(before[low]))
        low, block = high, block + 1


def _rows(visits: Visits, first: tuple[int, int]) -> Iterator[_Row]:
    """The visits, their events numbered through."""
    viewer, number = first
    return zip(
        (number + np.cumsum(visits.events) - visits.events).tolist(),
        (visits.session // 1000).tolist(),
        (visits.viewer + viewer).tolist(),
        visits.movie.tolist(),
        visits.events.tolist(),
        visits.start.tolist(),
        visits.watched.tolist(),
        (visits.thousandths / 1000).tolist(),
        (visits.half_stars / 2).tolist(),
        strict=True,
    )


def _counts(options: SimulatorOptions) -> NDArray[np.int64]:
    """Events of each viewer, log-normal, (viewers,): at most one a movie, in all as asked for."""
    total, most = options.interactions, options.movies
    fewest = min(_FEWEST, most, total // options.viewers)
    weights = generator(options, 2).lognormal(0.0, 0.9, options.viewers)
    counts = np.full(options.viewers, fewest, np.int64)
    for _ in range(50):
        left = total - int(counts.sum())
        # Who is at the limit gets no more; the rest share what is left.
        shares = np.where(counts < most, weights, 0.0)
        if left == 0 or not shares.any():
            break
        exact = shares * (left / shares.sum())
        more = np.floor(exact).astype(np.int64)
        rest = left - int(more.sum())
        more[np.argsort(more - exact, kind="stable")[:rest]] += 1
        counts = np.minimum(counts + more, most)
    # Hardly ever: nearly every viewer watches nearly everything. Fill up in order.
    left = total - int(counts.sum())
    room = most - counts
    counts += np.minimum(room, np.maximum(left - (np.cumsum(room) - room), 0))
    return counts


def _hours(options: SimulatorOptions) -> NDArray[np.float64]:
    """Running probability of the period's hours, (24 days,): evenings and weekends are full."""
    start = datetime.fromtimestamp(options.start_ms / 1000, UTC)
    weights = []
    for hour in range(24 * options.days):
        at = start + timedelta(hours=hour)
        weights.append(_DAY[at.hour] * (_WEEKEND if at.weekday() >= 5 else 1.0))
    running = np.cumsum(weights)
    return np.asarray(running / running[-1])
