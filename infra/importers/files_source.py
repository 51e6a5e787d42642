"""A Source of files whose formats are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from infra.importers import json_lines, movielens, parquet_rows, personalize
from infra.importers.gauge import Gauge, Gauged
from infra.importers.input_file import InputFile
from infra.importers.sniffing import Family, Format, Role
from infra.importers.source import RefusedRow
from topshelf.catalog import Movie
from topshelf.events import EventPolicy, Interaction

__all__ = ["FilesSource", "Found"]

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A file and what it holds.

    Attributes:
        file: The file.
        format: Of all of it.
    """

    file: InputFile
    format: Format


class FilesSource:
    """Reads one file after another, each in its format."""

    def __init__(self, found: Sequence[Found]) -> None:
        """Builds the source.

        Args:
            found: The files, those of one role in the order of reading.
        """
        self._found = tuple(found)
        self._gauge = Gauge([file for file, _ in self._of(Role.EVENTS)])

    @property
    def description(self) -> str:
        """See Source."""
        used = [each for each in self._found if each.format.role is not Role.USERS]
        unused = [each for each in self._found if each.format.role is Role.USERS]
        parts = [
            f"{family}: {_names(list(group))}"
            for family, group in groupby(used, key=lambda each: each.format.family)
        ]
        return "; ".join([*parts, *([f"not used: {_names(unused)}"] if unused else [])])

    def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
        """See Source."""
        gauge = self._gauge = Gauge([file for file, _ in self._of(Role.EVENTS)])
        for stored, family in self._of(Role.EVENTS):
            file = Gauged(stored, gauge)
            match family:
                case Family.JSON_LINES:
                    yield from json_lines.read_events(file, policy)
                case Family.PERSONALIZE:
                    yield from personalize.read_events(file, policy)
                case Family.PARQUET:
                    yield from parquet_rows.read_events(stored, policy, gauge)
                case _:
                    colons = family is Family.MOVIELENS_COLONS
                    yield from movielens.read_ratings(file, policy, colons=colons)

    def share_read(self) -> float | None:
        """See Source."""
        return self._gauge.share()

    def movies(self) -> Iterator[Movie | RefusedRow]:
        """See Source."""
        for file, family in self._of(Role.MOVIES):
            match family:
                case Family.JSON_LINES:
                    yield from json_lines.read_movies(file)
                case Family.PERSONALIZE:
                    yield from personalize.read_movies(file)
                case Family.PARQUET:
                    yield from parquet_rows.read_movies(file)
                case _:
                    colons = family is Family.MOVIELENS_COLONS
                    yield from movielens.read_movies(file, colons=colons)

    def count_users(self) -> int:
        """See Source."""
        return sum(
            (parquet_rows if family is Family.PARQUET else personalize).count_users(file)
            for file, family in self._of(Role.USERS)
        )

    def _of(self, role: Role) -> Iterator[tuple[InputFile, Family]]:
        for each in self._found:
            if each.format.role is role:
                yield each.file, each.format.family


def _names(found: list[Found]) -> str:
    names = [each.file.name for each in found]
    more = [f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])
