"""What a block of viewers does: which movies, how far, how liked, and when. All in arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.simulator.world import World

__all__ = ["MAX_SESSION", "Visits", "draw_visits"]

MAX_SESSION = 4
"""Movies in one session at most, so that a session ends within the day it began."""

# Of the Dirichlet draw that divides a viewer's choices among three tastes.
_LOVE = (3.0, 1.0, 0.4)
# Share of the choices that follow a taste; the rest follow the charts.
_PERSONAL = 0.9
_SAME_SESSION = 0.45
# Odds of the three kinds of visit: looked at, watched, watched and rated.
_LOOKED, _WATCHED = 0.25, 0.75
_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Visits:
    """One row for each (viewer, movie) pair of a block, by viewer, then in time. All (pairs,).

    Attributes:
        viewer: Position in the block, int64.
        movie: Row of the catalogue, int64.
        events: 1 for a view, 2 with a watch, 3 with a rating too, int64.
        start: Time of the view, UTC milliseconds, int64.
        session: Begin of its session, UTC milliseconds, int64.
        watched: Time of the watch event, int64.
        thousandths: Watched fraction, 0..1000, int64.
        half_stars: Rating times two, 1..10, int64.
    """

    viewer: NDArray[np.int64]
    movie: NDArray[np.int64]
    events: NDArray[np.int64]
    start: NDArray[np.int64]
    session: NDArray[np.int64]
    watched: NDArray[np.int64]
    thousandths: NDArray[np.int64]
    half_stars: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Mixes:
    """Each viewer's tastes, best loved first on average, and how the choices divide among them.

    Attributes:
        taste: (viewers, 3) int64.
        share: Sums to 1 for each viewer, (viewers, 3) float64.
    """

    taste: NDArray[np.int64]
    share: NDArray[np.float64]


def draw_visits(
    world: World,
    counts: NDArray[np.int64],
    hours: NDArray[np.float64],
    period: tuple[int, int],
    rng: np.random.Generator,
) -> Visits:
    """Draws a block.

    Args:
        world: The hidden truth.
        counts: Events of each viewer, (viewers,), none above the number of movies.
        hours: Running probability of the period's hours, (hours,).
        period: First and last moment, UTC milliseconds.
        rng: The block's own generator.

    Returns:
        Visits whose events sum to counts, viewer by viewer.
    """
    events, viewer = _visit_sizes(counts, rng)
    pairs = np.bincount(viewer, minlength=len(counts))
    mixes = _draw_mixes(world, len(counts), rng)
    movie = _choose(world, pairs, mixes, rng)

    liking = _liking(world, viewer, movie, mixes, rng)
    # Who likes a movie more stays longer: the larger visits go to the better liked movies.
    by_liking = np.lexsort((liking + rng.standard_normal(len(movie)), viewer))
    sized = np.empty_like(events)
    sized[by_liking] = events[np.lexsort((events, viewer))]

    stay = 0.4 + 1.1 * liking + rng.standard_normal(len(movie))
    thousandths = np.rint(1000 / (1 + np.exp(-stay))).astype(np.int64)
    stars = 3.3 + 0.9 * liking + 0.4 * rng.standard_normal(len(movie))
    half_stars = np.rint(2 * stars).astype(np.int64).clip(1, 10)
    runtime = rng.integers(75, 150, len(movie)) * _MINUTE
    look = rng.integers(_MINUTE // 2, 5 * _MINUTE, len(movie))
    length = look + np.where(sized > 1, thousandths * runtime // 1000, 0)
    start, session = _times(viewer, length, hours, period, rng)
    order = np.lexsort((start, viewer))
    columns = (viewer, movie, sized, start, session, start + length, thousandths, half_stars)
    return Visits(*(column[order] for column in columns))


def _visit_sizes(
    counts: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Events of each visit and its viewer; a viewer's last visit is cut to meet the count."""
    viewer = np.repeat(np.arange(len(counts)), counts)
    luck = rng.random(len(viewer))
    sizes = 1 + (luck >= _LOOKED).astype(np.int64) + (luck >= _WATCHED)
    after = np.cumsum(sizes)
    first = np.cumsum(counts) - counts
    # Cumulative events before a viewer's first visit; viewers without events own no rows.
    base = np.concatenate(([0], after))[first]
    before = after - sizes - base[viewer]
    kept = before < counts[viewer]
    viewer = viewer[kept]
    return np.minimum(sizes[kept], counts[viewer] - before[kept]), viewer


def _draw_mixes(world: World, viewers: int, rng: np.random.Generator) -> _Mixes:
    draws = rng.random((viewers, len(_LOVE)))
    return _Mixes(
        taste=np.searchsorted(world.cumulative_tastes, draws).clip(max=world.tastes - 1),
        share=rng.dirichlet(_LOVE, viewers),
    )


def _choose(
    world: World,
    pairs: NDArray[np.int64],
    mixes: _Mixes,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Different movies for each viewer, (sum of pairs,), by viewer, in random order."""
    n = world.movies
    flat = world.cumulative.ravel()
    limits = np.cumsum(mixes.share[:, :-1], axis=1)
    held = np.empty(0, np.int64)
    missing = pairs
    for _ in range(4):
        draws = np.where(missing > 0, missing + missing // 3 + 2, 0)
        viewer = np.repeat(np.arange(len(pairs)), draws)
        which = (rng.random(len(viewer))[:, None] > limits[viewer]).sum(axis=1)
        row = np.where(
            rng.random(len(viewer)) < _PERSONAL, mixes.taste[viewer, which], world.tastes
        )
        place = np.searchsorted(flat, rng.random(len(viewer)) + row, side="right") - row * n
        keys = np.concatenate((held, viewer * n + place.clip(0, n - 1)))
        # The first draw of each pair, in the order of the draws, as many as the viewer needs.
        _, at = np.unique(keys, return_index=True)
        keys = keys[np.sort(at)]
        keys = keys[np.argsort(keys // n, kind="stable")]
        owner = keys // n
        found = np.bincount(owner, minlength=len(pairs))
        rank = np.arange(len(keys)) - np.repeat(np.cumsum(found) - found, found)
        held = keys[rank < pairs[owner]]
        missing = pairs - np.minimum(found, pairs)
        if not missing.any():
            break
    else:
        held = np.concatenate((held, _fill(world, held, missing, mixes.taste[:, 0], rng)))
    owner = held // n
    return (held % n)[np.lexsort((rng.random(len(held)), owner))]


def _fill(
    world: World,
    held: NDArray[np.int64],
    missing: NDArray[np.int64],
    taste: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """For viewers who have seen most of what they like: the rest without replacement, exactly."""
    n = world.movies
    held = np.sort(held)
    added = []
    for viewer in np.flatnonzero(missing).tolist():
        low, high = np.searchsorted(held, (viewer * n, (viewer + 1) * n))
        weights = np.diff(world.cumulative[taste[viewer]] - taste[viewer], prepend=0.0)
        # The smallest of exponential waiting times is a weighted draw without replacement.
        waits = rng.standard_exponential(n) / np.maximum(weights, 1e-12)
        waits[held[low:high] % n] = np.inf
        added.append(viewer * n + np.argsort(waits)[: missing[viewer]])
    return np.concatenate(added)


def _liking(
    world: World,
    viewer: NDArray[np.int64],
    movie: NDArray[np.int64],
    mixes: _Mixes,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """How much each viewer likes each movie: about 0 on average, rarely outside -2..2."""
    match = np.zeros(len(movie))
    for which in range(len(_LOVE)):
        taste, share = mixes.taste[viewer, which], mixes.share[viewer, which]
        fit = (world.first[movie] == taste) + 0.5 * (world.second[movie] == taste)
        match += np.sqrt(share) * fit
    mood = 0.4 * rng.standard_normal(len(mixes.taste))
    return np.asarray(1.3 * match - 0.8 + 0.4 * world.quality[movie] + mood[viewer])


def _times(
    viewer: NDArray[np.int64],
    length: NDArray[np.int64],
    hours: NDArray[np.float64],
    period: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start of each visit and begin of its session; visits of a session follow one another."""
    n = len(viewer)
    row = np.arange(n)
    opens = (rng.random(n) >= _SAME_SESSION) | (viewer != np.concatenate(([-1], viewer[:-1])))
    # A session that has grown to its limit opens another.
    opens |= (row - np.maximum.accumulate(np.where(opens, row, 0))) % MAX_SESSION == 0
    session = np.cumsum(opens) - 1
    sessions = int(opens.sum())

    elapsed = np.cumsum(length) - length
    offset = elapsed - elapsed[opens][session]
    total = np.bincount(session, weights=length, minlength=sessions).astype(np.int64)

    hour = np.searchsorted(hours, rng.random(sessions)).clip(max=len(hours) - 1)
    begin = period[0] + hour * (60 * _MINUTE) + rng.integers(60 * _MINUTE, size=sessions)
    # Leave room for a rating after the last movie.
    begin = np.maximum(np.minimum(begin, period[1] - total - 2 * _MINUTE), period[0])
    return begin[session] + offset, begin[session]
