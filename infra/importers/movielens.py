"""MovieLens as GroupLens distributes it: ratings and movies, as CSV or with ``::`` between.

Formats: https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html and
https://files.grouplens.org/datasets/movielens/ml-1m-README.txt
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from infra.importers.source import RefusedRow, checked_movie
from infra.importers.text_lines import lines_of
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import MAX_LINE_BYTES, EventPolicy, Interaction, Refusal, parse_event

__all__ = ["RATINGS_NAMES", "MovieLensSource"]

RATINGS_NAMES = ("ratings.csv", "ratings.dat")

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_MOVIE_COLUMNS = ("movieId", "title", "genres")
_NO_GENRES = "(no genres listed)"
_YEAR = re.compile(r"\((\d{4})(?:[-\N{EN DASH}]\d{0,4})?\)$")


class MovieLensSource:
    """A Source of ratings; each becomes a ``rating`` interaction without an event_id.

    MovieLens gives times in seconds; they become milliseconds.
    """

    def __init__(self, ratings: Path) -> None:
        """Builds the source.

        Args:
            ratings: ``ratings.csv`` or ``ratings.dat``; the movies are looked for beside it.
        """
        self._ratings = ratings
        movies = ratings.with_name(f"movies{ratings.suffix}")
        self._movies = movies if movies.is_file() else None

    def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
        """See Source."""
        name = self._ratings.name
        for number, line, fields in _records(self._ratings, _RATING_COLUMNS):
            row = _rating(fields, policy)
            if isinstance(row, Refusal):
                yield RefusedRow(row, name, number, line[:MAX_LINE_BYTES])
            else:
                yield row

    def movies(self) -> Iterator[Movie | RefusedRow]:
        """See Source."""
        if self._movies is None:
            return
        for number, line, fields in _records(self._movies, _MOVIE_COLUMNS):
            movie = _movie(fields)
            if isinstance(movie, Refusal):
                yield RefusedRow(movie, self._movies.name, number, line[:MAX_LINE_BYTES])
            else:
                yield movie


def _rating(fields: list[str] | Refusal, policy: EventPolicy) -> Interaction | Refusal:
    if isinstance(fields, Refusal):
        return fields
    user, item, rating, seconds = fields
    try:
        value = float(rating)
    except ValueError:
        return Refusal("rating", f"{rating[:40]!a} is no number")
    try:
        timestamp = int(seconds) * 1000
    except ValueError:
        return Refusal("timestamp", f"{seconds[:40]!a} is no whole number of seconds")
    event = {
        "user_id": user,
        "item_id": item,
        "event_type": "rating",
        "event_value": value,
        "timestamp": timestamp,
    }
    return parse_event(event, policy)


def _movie(fields: list[str] | Refusal) -> Movie | Refusal:
    if isinstance(fields, Refusal):
        return fields
    item, title, listed = fields
    title = title.strip()
    genres = () if listed == _NO_GENRES else tuple(g for g in listed.split("|") if g)
    year = None
    if found := _YEAR.search(title):
        title = title[: found.start()].rstrip() or title
        year = int(found[1])
    # A number in brackets need not be a year; it is no reason to lose the movie.
    known = year is not None and 1850 <= year <= 2200
    return checked_movie(item, title, genres, year if known else None)


def _records(
    path: Path, columns: tuple[str, ...]
) -> Iterator[tuple[int, bytes, list[str] | Refusal]]:
    """The rows of a file: line number, line, and the columns' values or what is wrong.

    Line by line: no field of MovieLens holds a line end, and so a stray quotation mark costs one
    row and not the rest of the file.
    """
    lines = lines_of(path)
    if path.suffix == ".dat":
        for number, line in lines:
            yield number, line, _picked(_text(line).split("::"), len(columns), range(len(columns)))
        return
    _, first = next(lines, (0, b""))
    header = _csv_fields(_text(first))
    names = [] if isinstance(header, Refusal) else [name.strip() for name in header]
    missing = [column for column in columns if column not in names]
    if missing:
        raise InvalidInputError(
            "path",
            f"{path} does not begin with MovieLens's header {','.join(columns)}: "
            f"{', '.join(missing)} is missing",
        )
    order = [names.index(column) for column in columns]
    for number, line in lines:
        yield number, line, _picked(_csv_fields(_text(line)), len(names), order)


def _picked(
    fields: list[str] | Refusal, width: int, order: list[int] | range
) -> list[str] | Refusal:
    if isinstance(fields, Refusal):
        return fields
    if len(fields) != width:
        return Refusal("body", f"the row has {len(fields)} fields, not {width}")
    return [fields[at].strip() for at in order]


def _csv_fields(text: str) -> list[str] | Refusal:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader((text,), strict=True))
    except csv.Error as error:
        return Refusal("body", f"no CSV row: {error}")


def _text(line: bytes) -> str:
    """UTF-8 as in newer sets, else Latin-1 as in older ones; the latter reads any byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
