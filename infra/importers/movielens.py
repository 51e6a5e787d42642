"""MovieLens as GroupLens distributes it: ratings and movies, as CSV or with ``::`` between.

Formats: https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html and
https://files.grouplens.org/datasets/movielens/ml-1m-README.txt
"""

from collections.abc import Iterator

from infra.importers.csv_rows import csv_fields, of_width, text_of
from infra.importers.input_file import InputFile
from infra.importers.source import RefusedRow, checked_movie
from infra.importers.text_lines import lines_of
from infra.importers.titles import title_and_year
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import MAX_LINE_BYTES, EventPolicy, Interaction, Refusal, parse_event

__all__ = ["MOVIE_COLUMNS", "RATING_COLUMNS", "read_movies", "read_ratings", "to_rating"]

RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
MOVIE_COLUMNS = ("movieId", "title", "genres")

_NO_GENRES = "(no genres listed)"


def read_ratings(
    file: InputFile, policy: EventPolicy, *, colons: bool
) -> Iterator[Interaction | RefusedRow]:
    """Reads ratings as ``rating`` interactions without an event_id; see Source.rows.

    MovieLens gives times in seconds; they become milliseconds.

    Args:
        file: ``ratings.csv`` or ``ratings.dat``.
        policy: What the deployment accepts.
        colons: Whether ``::`` is between the fields, and there is no header.
    """
    for header, number, line, fields in _records(file, RATING_COLUMNS, colons=colons):
        row = to_rating(fields, policy)
        if isinstance(row, Refusal):
            yield RefusedRow(row, file.name, number, line[:MAX_LINE_BYTES], header)
        else:
            yield row


def read_movies(file: InputFile, *, colons: bool) -> Iterator[Movie | RefusedRow]:
    """Reads ``movies.csv`` or ``movies.dat``; see Source.movies and read_ratings."""
    for header, number, line, fields in _records(file, MOVIE_COLUMNS, colons=colons):
        movie = _movie(fields)
        if isinstance(movie, Refusal):
            yield RefusedRow(movie, file.name, number, line[:MAX_LINE_BYTES], header)
        else:
            yield movie


def to_rating(fields: list[str] | Refusal, policy: EventPolicy) -> Interaction | Refusal:
    """The interaction of RATING_COLUMNS' values. Never raises for bad data."""
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
    genres = () if listed == _NO_GENRES else tuple(g for g in listed.split("|") if g)
    return checked_movie(item, *title_and_year(title), genres)


def _records(
    file: InputFile, columns: tuple[str, ...], *, colons: bool
) -> Iterator[tuple[str, int, bytes, list[str] | Refusal]]:
    """The rows of a file: header, line number, line, and the columns' values or what is wrong."""
    lines = lines_of(file)
    if colons:
        for number, line in lines:
            yield (
                "::".join(columns),
                number,
                line,
                of_width(text_of(line).split("::"), len(columns)),
            )
        return
    _, first = next(lines, (0, b""))
    header = csv_fields(text_of(first))
    names = [] if isinstance(header, Refusal) else [name.strip() for name in header]
    missing = [column for column in columns if column not in names]
    if missing:
        raise InvalidInputError(
            "path",
            f"{file.where} does not begin with MovieLens's header {','.join(columns)}: "
            f"{', '.join(missing)} is missing",
        )
    order = [names.index(column) for column in columns]
    for number, line in lines:
        fields = of_width(csv_fields(text_of(line)), len(names))
        yield (
            text_of(first),
            number,
            line,
            fields if isinstance(fields, Refusal) else [fields[at] for at in order],
        )
