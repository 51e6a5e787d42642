"""The catalogue: what is known of an item besides who watched it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from topshelf.errors import InvalidInputError
from topshelf.events import Identifier

__all__ = ["Movie", "encode_movies", "parse_movies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """One item of the catalogue.

    Attributes:
        item_id: The id that interactions carry.
        title: For people.
        genres: In the source's order.
        year: Of release, where known.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, defer_build=True
    )

    item_id: Identifier
    title: Annotated[str, Field(min_length=1, max_length=1000)]
    genres: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=64)
    ] = ()
    year: Annotated[int, Field(ge=1850, le=2200)] | None = None


def encode_movies(movies: Iterable[Movie]) -> bytes:
    """The movies as JSON lines, sorted by id so that the same set gives the same bytes."""
    ordered = sorted(movies, key=lambda movie: movie.item_id)
    return b"".join(_adapter().dump_json(movie, exclude_defaults=True) + b"\n" for movie in ordered)


def parse_movies(lines: Iterable[bytes]) -> Iterator[Movie]:
    """Reads JSON lines as encode_movies writes them.

    Raises:
        InvalidInputError: A line is not a movie; the text names the line and the field.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield _adapter().validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"]) or "body"
            raise InvalidInputError(name, f"catalogue line {number}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Movie]:
    return TypeAdapter(Movie)
