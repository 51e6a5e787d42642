"""What a source of events is: rows and a catalogue, good ones and refused ones."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from topshelf.catalog import Movie
from topshelf.events import EventPolicy, Interaction, Refusal

__all__ = ["RefusedRow", "Source", "checked_movie", "parse_movie_line"]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not accepted, and where it stands.

    Attributes:
        refusal: Why.
        source: Name of the file, without its folder.
        line: Its number in the file, from 1.
        raw: The row as it was read, cut at 64 KiB.
        columns: The header that gives raw its meaning, where a header does.
    """

    refusal: Refusal
    source: str
    line: int
    raw: bytes
    columns: str = ""

    def encode(self) -> bytes:
        """One JSON line of the quarantine; bytes that are no UTF-8 are kept as escapes."""
        columns = {"columns": self.columns} if self.columns else {}
        return (
            json.dumps(
                {
                    "reason": self.refusal.detail,
                    "field": self.refusal.field,
                    "source": self.source,
                    "line": self.line,
                    "raw": self.raw.decode("utf-8", "backslashreplace"),
                    **columns,
                }
            ).encode("ascii")
            + b"\n"
        )


class Source(Protocol):
    """Events from elsewhere; open_source finds the one for a path."""

    @property
    def description(self) -> str:
        """Format and files, for a person: ``JSON lines: events.jsonl, items.jsonl``."""

    def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
        """Reads the events once, in bounded memory. Blank lines are no rows.

        Args:
            policy: What the deployment accepts.

        Raises:
            InvalidInputError: The file itself is damaged or cannot be read; field ``path``.
        """

    def share_read(self) -> float | None:
        """The part of the events that rows() has read so far, by the files' bytes, 0..0.99.

        Returns:
            None where nobody knows how much there is, on standard input for example.
        """

    def movies(self) -> Iterator[Movie | RefusedRow]:
        """Reads the catalogue; nothing where the source has none.

        Raises:
            InvalidInputError: The file itself is damaged or cannot be read; field ``path``.
        """

    def count_users(self) -> int:
        """Counts the rows on viewers themselves, which nothing uses.

        Raises:
            InvalidInputError: The file itself is damaged or cannot be read; field ``path``.
        """


def parse_movie_line(line: bytes) -> Movie | Refusal:
    """Reads one JSON line of a catalogue. Never raises for bad data."""
    try:
        return _adapter().validate_json(line)
    except ValidationError as error:
        return _refusal(error)


def checked_movie(
    item_id: str, title: str, year: int | None, genres: tuple[str, ...]
) -> Movie | Refusal:
    """The movie, or why it is none. Never raises for bad data."""
    value = {"item_id": item_id, "title": title, "genres": genres, "year": year}
    # By way of JSON, as a catalogue line comes: in Python, strict mode takes no mapping.
    return parse_movie_line(json.dumps(value).encode())


@cache
def _adapter() -> TypeAdapter[Movie]:
    return TypeAdapter(Movie)


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(map(str, first["loc"])).encode("ascii", "backslashreplace").decode()[:100]
    return Refusal(name or "body", first["msg"])
