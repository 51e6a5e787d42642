"""The price file: what AWS asks for a unit of each thing, on a date."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from topshelf.errors import InvalidInputError

__all__ = ["PRICES", "Price", "Prices", "read_prices"]

PRICES = Path(__file__).parent / "prices.json"


class Price(BaseModel):
    """Of one thing.

    Attributes:
        per: The unit, in words.
        price: US dollars.
        source: Where it is published.
    """

    model_config = ConfigDict(extra="forbid")

    per: str
    price: PositiveFloat
    source: str


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: str
    region: str
    currency: str
    note: str
    prices: dict[str, Price]


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by name.

    Attributes:
        as_of: The day they were written down, ISO 8601.
        region: Of AWS.
        by_name: US dollars a unit.
    """

    as_of: str
    region: str
    by_name: dict[str, float]

    def of(self, name: str, units: float) -> float:
        """What some units cost, US dollars."""
        return self.by_name[name] * units


def read_prices(path: Path = PRICES) -> Prices:
    """Reads a price file.

    Raises:
        InvalidInputError: It is none, or names other things than the one that topshelf ships.
    """
    try:
        content = path.read_bytes()
        said = _PriceFile.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise InvalidInputError("prices", f"{path} is no price file: {error}") from error
    known = set(json.loads(PRICES.read_bytes())["prices"])
    if missing := known - said.prices.keys():
        raise InvalidInputError("prices", f"{path} lacks {', '.join(sorted(missing))}")
    return Prices(said.as_of, said.region, {name: p.price for name, p in said.prices.items()})
