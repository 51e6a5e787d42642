"""Amazon Personalize's columns: what the values of one row mean.

Schemas: https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from infra.importers.csv_rows import csv_fields, of_width, text_of, whole_number
from infra.importers.input_file import InputFile
from infra.importers.source import RefusedRow, checked_movie
from infra.importers.text_lines import lines_of
from infra.importers.titles import title_and_year
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import (
    EARLIEST_TIMESTAMP,
    MAX_LINE_BYTES,
    EventPolicy,
    Interaction,
    Refusal,
    parse_event,
)

__all__ = [
    "columns_of",
    "count_users",
    "has_events",
    "has_movies",
    "has_users",
    "read_events",
    "read_movies",
    "to_event",
    "to_movie",
]

_IDS = ("USER_ID", "ITEM_ID", "EVENT_ID", "SESSION_ID", "RECOMMENDATION_ID")


def has_events(columns: AbstractSet[str]) -> bool:
    """Whether these are columns of interactions, in upper case."""
    return columns >= {"ITEM_ID", "TIMESTAMP"} and bool(columns & {"USER_ID", "SESSION_ID"})


def has_movies(columns: AbstractSet[str]) -> bool:
    """Whether these are columns of items, in upper case."""
    return "ITEM_ID" in columns and "USER_ID" not in columns and not has_events(columns)


def has_users(columns: AbstractSet[str]) -> bool:
    """Whether these are columns of users, in upper case."""
    return "USER_ID" in columns and "ITEM_ID" not in columns


def read_events(file: InputFile, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
    """Reads interactions in CSV with a header; see Source.rows."""
    for header, number, line, values in _records(file, ("ITEM_ID", "TIMESTAMP")):
        row = values if isinstance(values, Refusal) else to_event(values, policy)
        if isinstance(row, Refusal):
            yield RefusedRow(row, file.name, number, line[:MAX_LINE_BYTES], header)
        else:
            yield row


def read_movies(file: InputFile) -> Iterator[Movie | RefusedRow]:
    """Reads items in CSV with a header; see Source.movies."""
    for header, number, line, values in _records(file, ("ITEM_ID",)):
        movie = values if isinstance(values, Refusal) else to_movie(values)
        if isinstance(movie, Refusal):
            yield RefusedRow(movie, file.name, number, line[:MAX_LINE_BYTES], header)
        else:
            yield movie


def count_users(file: InputFile) -> int:
    """Counts the rows of users in CSV with a header."""
    return sum(1 for _ in _records(file, ("USER_ID",)))


def to_event(values: Mapping[str, str], policy: EventPolicy) -> Interaction | Refusal:
    """The interaction of a row; seconds become milliseconds. Never raises for bad data.

    Args:
        values: By column name in upper case; an empty one is absent, another column is ignored.
        policy: What the deployment accepts.
    """
    event: dict[str, Any] = {name.lower(): values[name] for name in _IDS if values.get(name)}
    event["event_type"] = values.get("EVENT_TYPE", "view").lower()
    time = whole_number(values.get("TIMESTAMP", ""))
    if time is None:
        text = values.get("TIMESTAMP", "")[:40]
        return Refusal("timestamp", f"{text!a} is no whole number of seconds or milliseconds")
    event["timestamp"] = time if time >= EARLIEST_TIMESTAMP else time * 1000
    if value := values.get("EVENT_VALUE"):
        try:
            event["event_value"] = float(value)
        except ValueError:
            return Refusal("event_value", f"{value[:40]!a} is no number")
    if shown := values.get("IMPRESSION"):
        event["impression"] = [item for item in shown.split("|") if item]
    return parse_event(event, policy)


def to_movie(values: Mapping[str, str]) -> Movie | Refusal:
    """The movie of a row. Never raises for bad data.

    Without a title the id is the title. Without a year in a column of its own, one at the end of
    the title is taken off it; without that too, it is the year in which the item came in.
    """
    item_id = values.get("ITEM_ID", "")
    title = values.get("TITLE") or values.get("ITEM_NAME") or ""
    listed = values.get("GENRES") or values.get("GENRE") or ""
    genres = tuple(genre.strip() for genre in listed.split("|") if genre.strip())
    year: int | Refusal | None = None
    if not values.get("YEAR"):
        title, year = title_and_year(title)
    if year is None:
        year = _year(values)
    if isinstance(year, Refusal):
        return year
    return checked_movie(item_id, title or item_id, year, genres)


def _year(values: Mapping[str, str]) -> int | Refusal | None:
    if text := values.get("YEAR"):
        year = whole_number(text)
        return Refusal("year", f"{text[:40]!a} is no year") if year is None else year
    if text := values.get("CREATION_TIMESTAMP"):
        time = whole_number(text)
        if time is not None and abs(time) >= EARLIEST_TIMESTAMP:
            time //= 1000
        # Beyond these, to the year 2200, there is no movie, and further off no date.
        if time is None or not -(10**10) < time < 10**10:
            return Refusal("creation_timestamp", f"{text[:40]!a} is no time in seconds")
        return datetime.fromtimestamp(time, UTC).year
    return None


def _records(
    file: InputFile, required: tuple[str, ...]
) -> Iterator[tuple[str, int, bytes, dict[str, str] | Refusal]]:
    """The rows of a file: header, line number, line, and the values by column or what is wrong."""
    lines = lines_of(file)
    _, first = next(lines, (0, b""))
    names = columns_of(first)
    missing = [column for column in required if column not in names]
    if missing:
        raise InvalidInputError(
            "path",
            f"{file.where} does not begin with a header of Personalize's columns: "
            f"{', '.join(missing)} is missing",
        )
    header = text_of(first)
    for number, line in lines:
        fields = of_width(csv_fields(text_of(line)), len(names))
        if isinstance(fields, Refusal):
            yield header, number, line, fields
        else:
            yield header, number, line, dict(zip(names, fields, strict=True))


def columns_of(header: bytes) -> list[str]:
    """The names of a CSV header in upper case; none where it is no CSV."""
    fields = csv_fields(text_of(header))
    return [] if isinstance(fields, Refusal) else [name.strip().upper() for name in fields]
