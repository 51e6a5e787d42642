"""The hidden truth of a simulation: which movies belong to which taste, and how popular each is.

A taste is a style within a latent genre; the catalogue shows the genre, the style stays hidden, so
that viewers' histories tell more than genres do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.simulator.options import SimulatorOptions

__all__ = ["GENRES", "STYLES", "World", "build_world", "generator"]

GENRES = (
    "Action",
    "Adventure",
    "Animation",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Fantasy",
    "History",
    "Horror",
    "Music",
    "Mystery",
    "Romance",
    "Science Fiction",
    "Thriller",
    "War",
    "Western",
)
STYLES = 2
"""Hidden styles of each genre."""

# Share of a movie's popularity among viewers of its first taste, its second, and any other.
_FIRST, _SECOND, _OTHER = 1.0, 0.4, 0.005


@dataclass(frozen=True, slots=True)
class World:
    """What the viewers' choices come from.

    Attributes:
        first: Each movie's first taste, (movies,) int64; genre and style are its divmod by STYLES.
        second: Each movie's second taste, (movies,) int64.
        quality: How well each movie is made, standard normal, (movies,) float64.
        cumulative: For each taste, and last for no taste at all, the running probability of
            the movies with the row's number added, (tastes + 1, movies) float64. Flat, it is one
            ascending array: a uniform draw plus the row's number is looked up in it.
        cumulative_tastes: Running probability of the tastes among viewers, (tastes,) float64.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    quality: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    cumulative_tastes: NDArray[np.float64]

    @property
    def movies(self) -> int:
        """How many movies there are."""
        return len(self.first)

    @property
    def tastes(self) -> int:
        """How many tastes there are."""
        return len(self.cumulative_tastes)


def generator(options: SimulatorOptions, *purpose: int) -> np.random.Generator:
    """A generator of its own for each purpose, so that one part's draws never move another's."""
    return np.random.default_rng(np.random.SeedSequence(options.seed, spawn_key=purpose))


def build_world(options: SimulatorOptions) -> World:
    """Draws the hidden truth: Zipf-like popularity, tastes of unequal size, two for each movie."""
    rng = generator(options, 0)
    n = options.movies
    tastes = len(GENRES) * STYLES
    size = rng.permutation(1.0 / np.arange(1, tastes + 1) ** 0.3)
    shares = size / size.sum()
    first = rng.choice(tastes, n, p=shares)
    second = rng.choice(tastes, n, p=shares)
    quality = rng.standard_normal(n)
    # Zipf-Mandelbrot: the offset keeps the first few titles from taking everything.
    popularity = rng.permutation(1.0 / (np.arange(n) + 10.0) ** 0.8) * np.exp(0.3 * quality)

    weights = np.full((tastes + 1, n), _OTHER)
    weights[second, np.arange(n)] = _SECOND
    weights[first, np.arange(n)] = _FIRST
    weights[tastes] = 1.0
    weights *= popularity
    running = np.cumsum(weights, axis=1)
    running /= running[:, -1:]
    return World(
        first=first,
        second=second,
        quality=quality,
        cumulative=running + np.arange(tastes + 1)[:, None],
        cumulative_tastes=np.cumsum(shares) / shares.sum(),
    )
