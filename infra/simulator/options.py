"""What to simulate, and the limits within which it is tried."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from topshelf.errors import InvalidInputError

__all__ = ["SimulatorOptions"]

DEFAULT_END = datetime(2026, 1, 1, tzinfo=UTC)

_BOUNDS = {
    "viewers": (1, 1_000_000),
    "movies": (1, 27_000),
    "interactions": (1, 50_000_000),
    "days": (1, 3_650),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Size, period and seed of a simulation. Equal options give equal bytes.

    The bytes hold for one release of numpy on one kind of processor: random streams may change
    between releases, and the last digit of a logarithm between processors.

    Attributes:
        viewers: How many viewers there are, 1..1,000,000.
        movies: How many movies there are, 1..27,000.
        interactions: Events in all, 1..50,000,000; at most viewers times movies.
        days: Length of the period, 1..3,650.
        seed: Of the random generator, 0..2^63-1.
        end: End of the period, with a time zone; pass the present for fresh events.

    Raises:
        InvalidInputError: One is out of bounds; ``field`` names it.
    """

    viewers: int = 20_000
    movies: int = 2_000
    interactions: int = 200_000
    days: int = 60
    seed: int = 7
    end: datetime = DEFAULT_END

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidInputError(name, f"{name} is {value:,}; it may be {low:,}..{high:,}")
        most = self.viewers * self.movies
        if self.interactions > most:
            raise InvalidInputError(
                "interactions",
                f"interactions is {self.interactions:,}, but {self.viewers:,} viewers of "
                f"{self.movies:,} movies have at most {most:,}; ask for fewer, or for more viewers "
                "or movies",
            )
        if self.end.tzinfo is None:
            raise InvalidInputError("end", f"end is {self.end}; it needs a time zone")
        # Interactions carry milliseconds after 1973, in 14 digits at most.
        if not 1990 <= self.end.year <= 2200:
            raise InvalidInputError("end", f"end is {self.end}; it may lie in 1990..2200")

    @property
    def end_ms(self) -> int:
        """End of the period, UTC milliseconds."""
        return int(self.end.timestamp()) * 1000

    @property
    def start_ms(self) -> int:
        """Begin of the period, UTC milliseconds."""
        return self.end_ms - int(timedelta(days=self.days).total_seconds()) * 1000
