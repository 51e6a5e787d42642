"""Events as JSON lines, ``events.jsonl`` and the like, with ``items.jsonl`` beside them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.importers.source import RefusedRow, parse_movie_line
from infra.importers.text_lines import lines_of
from topshelf.catalog import Movie
from topshelf.events import MAX_LINE_BYTES, EventPolicy, Interaction, Refusal, parse_line

__all__ = ["CATALOGUE_NAMES", "SUFFIXES", "JsonLinesSource", "event_files"]

SUFFIXES = (".jsonl", ".jsonl.gz")
CATALOGUE_NAMES = tuple(f"items{suffix}" for suffix in SUFFIXES)


class JsonLinesSource:
    """A Source of JSON lines files: interactions as topshelf.events.Interaction has them."""

    def __init__(self, events: Sequence[Path], catalogue: Path | None) -> None:
        """Builds the source.

        Args:
            events: Files of interactions, read in this order.
            catalogue: File of movies, as topshelf.catalog.Movie has them.
        """
        self._events = tuple(events)
        self._catalogue = catalogue

    def rows(self, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
        """See Source."""
        for path in self._events:
            for number, line in lines_of(path):
                row = parse_line(line, policy)
                if isinstance(row, Refusal):
                    yield RefusedRow(row, path.name, number, line[:MAX_LINE_BYTES])
                else:
                    yield row

    def movies(self) -> Iterator[Movie | RefusedRow]:
        """See Source."""
        if self._catalogue is None:
            return
        for number, line in lines_of(self._catalogue):
            movie = parse_movie_line(line)
            if isinstance(movie, Refusal):
                yield RefusedRow(movie, self._catalogue.name, number, line[:MAX_LINE_BYTES])
            else:
                yield movie


def event_files(folder: Path) -> list[Path]:
    """The folder's files of interactions, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.endswith(SUFFIXES) and path.name not in CATALOGUE_NAMES and path.is_file()
    )
