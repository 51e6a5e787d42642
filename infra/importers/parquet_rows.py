"""Parquet with Amazon Personalize's columns, streamed in batches of rows."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from io import StringIO
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile

import polars as pl

from infra.importers import personalize
from infra.importers.gauge import Gauge
from infra.importers.input_file import InputFile, LocalFile
from infra.importers.source import RefusedRow
from topshelf.catalog import Movie
from topshelf.errors import InvalidInputError
from topshelf.events import EARLIEST_TIMESTAMP, MAX_LINE_BYTES, EventPolicy, Interaction, Refusal

__all__ = ["columns_of", "count_users", "read_events", "read_movies"]

_BATCH = 16_384
_USED = frozenset(
    (
        "USER_ID",
        "ITEM_ID",
        "TIMESTAMP",
        "EVENT_TYPE",
        "EVENT_VALUE",
        "EVENT_ID",
        "SESSION_ID",
        "IMPRESSION",
        "RECOMMENDATION_ID",
        "TITLE",
        "ITEM_NAME",
        "GENRES",
        "GENRE",
        "YEAR",
        "CREATION_TIMESTAMP",
    )
)


def columns_of(file: InputFile) -> list[str]:
    """The names of the columns in upper case.

    Raises:
        InvalidInputError: The file is damaged or cannot be read; field ``path``.
    """
    with _readable(file) as path:
        return [name.strip().upper() for name in pl.read_parquet_schema(path)]


def read_events(
    file: InputFile, policy: EventPolicy, gauge: Gauge | None = None
) -> Iterator[Interaction | RefusedRow]:
    """Reads interactions, ``line`` being the row's number from 1; see Source.rows.

    Memory: some batches of 16,384 rows and Polars' own decoding of a row group's pages.

    Args:
        file: The file.
        policy: What the deployment accepts.
        gauge: Moved to the end of the file as its rows are read.
    """
    for number, values in _records(file, gauge):
        row = personalize.to_event(values, policy)
        yield _refused(row, file, number, values) if isinstance(row, Refusal) else row


def read_movies(file: InputFile) -> Iterator[Movie | RefusedRow]:
    """Reads items; see Source.movies and read_events."""
    for number, values in _records(file):
        movie = personalize.to_movie(values)
        yield _refused(movie, file, number, values) if isinstance(movie, Refusal) else movie


def count_users(file: InputFile) -> int:
    """Counts the rows."""
    with _readable(file) as path:
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _records(file: InputFile, gauge: Gauge | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    number = 0
    before = gauge.done if gauge else 0.0
    with _readable(file) as path:
        frame = pl.scan_parquet(path)
        rows = int(frame.select(pl.len()).collect().item())
        used = [name for name in frame.collect_schema() if name.strip().upper() in _USED]
        columns = [name.strip().upper() for name in used]
        for batch in frame.select(used).collect_batches(chunk_size=_BATCH):
            for row in batch.iter_rows():
                number += 1
                yield number, dict(zip(columns, map(_text, row), strict=True))
            if gauge:
                gauge.done = before + (file.size or 0) * number / rows


@contextmanager
def _readable(file: InputFile) -> Iterator[Path]:
    """The file as a path: its end has to be read first. One from elsewhere is copied to disk."""
    try:
        if isinstance(file, LocalFile):
            yield file.path
            return
        with NamedTemporaryFile(prefix="topshelf-", suffix=".parquet") as copy:
            with file.open() as stored:
                copyfileobj(stored, copy)
            copy.flush()
            yield Path(copy.name)
    except pl.exceptions.PolarsError as error:
        raise InvalidInputError("path", f"{file.where} is damaged ({error})") from error
    except OSError as error:
        raise InvalidInputError(
            "path", f"{file.where} cannot be read: {error.strerror or error}"
        ) from error


def _text(value: object) -> str:
    """A value as it would stand in CSV."""
    match value:
        case None:
            return ""
        case list():
            return "|".join(map(_text, value))
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case datetime():
            return _epoch(value)
        case date():
            return _epoch(datetime.combine(value, time()))
    return str(value).strip()


def _epoch(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    milliseconds = round(aware.timestamp() * 1000)
    late = milliseconds >= EARLIEST_TIMESTAMP
    return str(milliseconds if late else milliseconds // 1000)


def _refused(refusal: Refusal, file: InputFile, number: int, values: dict[str, str]) -> RefusedRow:
    return RefusedRow(
        refusal,
        file.name,
        number,
        _csv(values.values()).encode()[:MAX_LINE_BYTES],
        columns=_csv(values),
    )


def _csv(fields: Iterable[str]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator="").writerow(fields)
    return written.getvalue()
