"""What a file holds, by its content and columns; its name counts where these say nothing."""

import json
import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from infra.importers import parquet_rows, personalize
from infra.importers.csv_rows import csv_fields, text_of
from infra.importers.input_file import InputFile
from infra.importers.movielens import MOVIE_COLUMNS, RATING_COLUMNS
from infra.importers.text_lines import BOM
from infra.importers.unpacking import PACKED_SUFFIXES, head_of
from topshelf.events import Refusal

__all__ = ["Family", "Format", "Role", "format_of", "is_parquet", "role_of"]

_PARQUET = b"PAR1"
_RATING = re.compile(rb"[^:]+::[^:]+::[0-9.]+::[0-9]+")


class Family(StrEnum):
    """How rows are written."""

    JSON_LINES = "JSON lines"
    PERSONALIZE = "CSV with Personalize's columns"
    PARQUET = "Parquet with Personalize's columns"
    MOVIELENS = "MovieLens CSV"
    MOVIELENS_COLONS = "MovieLens with :: between"


class Role(Enum):
    """What the rows are."""

    EVENTS = "events"
    MOVIES = "movies"
    USERS = "users"


@dataclass(frozen=True, slots=True)
class Format:
    """What a file holds.

    Attributes:
        family: How it is written.
        role: What it is.
    """

    family: Family
    role: Role


_OF_EVENTS = ("event_type", "raw", "session_id", "timestamp", "user_id")
_NAMES = {
    "interactions.csv": Format(Family.PERSONALIZE, Role.EVENTS),
    "movies.csv": Format(Family.MOVIELENS, Role.MOVIES),
    "movies.dat": Format(Family.MOVIELENS_COLONS, Role.MOVIES),
    "ratings.csv": Format(Family.MOVIELENS, Role.EVENTS),
    "ratings.dat": Format(Family.MOVIELENS_COLONS, Role.EVENTS),
}


def format_of(file: InputFile) -> Format | None:
    """Looks at a file's first bytes and columns, then at its name; None where neither is known.

    Raises:
        InvalidInputError: It cannot be read; field ``path``.
        UnavailableError: The store that holds it does not answer.
    """
    head = head_of(file)
    if is_parquet(head):
        role = role_of(frozenset(parquet_rows.columns_of(file)))
        return Format(Family.PARQUET, role) if role else None
    lines = [line for line in head.removeprefix(BOM).splitlines() if line.strip()]
    return _by_content(lines, file.name) or _by_name(file.name)


def is_parquet(head: bytes) -> bool:
    """Whether a file that begins so is Parquet."""
    return head.startswith(_PARQUET)


def _by_content(lines: list[bytes], name: str) -> Format | None:
    if not lines:
        return None
    # The first lines may be broken: any object among them tells.
    objects = [keys for line in lines[:100] if (keys := _keys(line)) is not None]
    if objects:
        found = frozenset[str]().union(*objects)
        if not found.isdisjoint(_OF_EVENTS):
            return Format(Family.JSON_LINES, Role.EVENTS)
        if "title" in found:
            return Format(Family.JSON_LINES, Role.MOVIES)
        return _by_name(name) or Format(Family.JSON_LINES, Role.EVENTS)
    if _RATING.fullmatch(lines[0]):
        return Format(Family.MOVIELENS_COLONS, Role.EVENTS)
    return _by_columns(lines[0])


def _keys(line: bytes) -> set[str] | None:
    if not line.startswith(b"{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return set(value) if isinstance(value, dict) else None


def _by_columns(header: bytes) -> Format | None:
    fields = csv_fields(text_of(header))
    if isinstance(fields, Refusal):
        return None
    exact = {name.strip() for name in fields}
    if exact.issuperset(RATING_COLUMNS):
        return Format(Family.MOVIELENS, Role.EVENTS)
    if exact.issuperset(MOVIE_COLUMNS):
        return Format(Family.MOVIELENS, Role.MOVIES)
    role = role_of(frozenset(personalize.columns_of(header)))
    return Format(Family.PERSONALIZE, role) if role else None


def role_of(columns: frozenset[str]) -> Role | None:
    """What rows with these of Personalize's columns are, in upper case."""
    if personalize.has_events(columns):
        return Role.EVENTS
    if personalize.has_movies(columns):
        return Role.MOVIES
    return Role.USERS if personalize.has_users(columns) else None


def _by_name(name: str) -> Format | None:
    name = name.lower()
    for packed in PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    stem, _, suffix = name.rpartition(".")
    if suffix == "jsonl":
        return Format(Family.JSON_LINES, Role.MOVIES if stem == "items" else Role.EVENTS)
    return _NAMES.get(f"{stem}.{suffix}")
