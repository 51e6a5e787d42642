"""Events and movies as JSON lines, ``events.jsonl`` and ``items.jsonl`` for example."""

from collections.abc import Iterator

from infra.importers.input_file import InputFile
from infra.importers.mending import read_mended
from infra.importers.source import RefusedRow, parse_movie_line
from infra.importers.text_lines import lines_of
from topshelf.catalog import Movie
from topshelf.events import MAX_LINE_BYTES, EventPolicy, Interaction, Refusal, parse_line

__all__ = ["read_events", "read_movies"]


def read_events(file: InputFile, policy: EventPolicy) -> Iterator[Interaction | RefusedRow]:
    """Reads interactions as topshelf.events.Interaction has them; see Source.rows.

    A line of the quarantine stands for the row in it.
    """
    for number, line in lines_of(file):
        row = parse_line(line, policy)
        if isinstance(row, Refusal):
            mended = read_mended(line, policy, source=file.name, number=number)
            yield mended or RefusedRow(row, file.name, number, line[:MAX_LINE_BYTES])
        else:
            yield row


def read_movies(file: InputFile) -> Iterator[Movie | RefusedRow]:
    """Reads movies as topshelf.catalog.Movie has them; see Source.movies."""
    for number, line in lines_of(file):
        movie = parse_movie_line(line)
        if isinstance(movie, Refusal):
            yield RefusedRow(movie, file.name, number, line[:MAX_LINE_BYTES])
        else:
            yield movie
