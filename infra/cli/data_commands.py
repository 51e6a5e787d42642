"""``topshelf simulate`` and ``topshelf import-events``."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli import options
from infra.cli.console import About, Progress, err, out, stages
from infra.cli.stack import Stack
from infra.importers import ImportSummary, Source, open_source
from infra.importers import import_events as run_import
from infra.importers.s3_files import SCHEME
from infra.simulator import SimulatorOptions, catalogue, write_lines
from topshelf.aws.event_bucket import EventBucket
from topshelf.catalog import encode_movies
from topshelf.errors import InvalidInputError

__all__ = ["import_events", "import_into", "simulate", "write_simulation"]

_DEFAULTS = SimulatorOptions()


def simulate(  # noqa: PLR0917 - a command's options
    output: Annotated[
        str,
        typer.Argument(help="A directory for events.jsonl and items.jsonl; - for standard output"),
    ],
    viewers: Annotated[int, typer.Option(help="At most 1,000,000")] = _DEFAULTS.viewers,
    movies: Annotated[int, typer.Option(help="At most 27,000")] = _DEFAULTS.movies,
    interactions: Annotated[int, typer.Option(help="At most 50,000,000")] = _DEFAULTS.interactions,
    days: Annotated[int, typer.Option(help="The period that the events span")] = _DEFAULTS.days,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes")] = _DEFAULTS.seed,
) -> None:
    """Write the events of built-in viewers.

    Example: `topshelf simulate ./viewers --viewers 1000 --interactions 20000`
    """
    chosen = SimulatorOptions(
        viewers=viewers, movies=movies, interactions=interactions, days=days, seed=seed
    )
    with stages() as progress:
        if output == "-":
            write_lines(chosen, sys.stdout.buffer, _counted(chosen, progress))
            return
        write_simulation(chosen, Path(output), progress)
    err.print(f"{chosen.interactions:,} events of {chosen.viewers:,} viewers are in {output}")


def write_simulation(chosen: SimulatorOptions, directory: Path, progress: Progress) -> None:
    """Writes ``events.jsonl`` and ``items.jsonl`` into a directory.

    Raises:
        InvalidInputError: It is no directory, or cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError("output", f"{directory} cannot be written: {error}") from error
    (directory / "items.jsonl").write_bytes(encode_movies(catalogue(chosen)))
    with (directory / "events.jsonl").open("wb") as file:
        write_lines(chosen, file, _counted(chosen, progress))


def _counted(chosen: SimulatorOptions, progress: Progress) -> Callable[[int], None]:
    return lambda done: progress("simulate", done, chosen.interactions)


def import_events(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            help="JSON lines, CSV or Parquet with Amazon Personalize's columns, or MovieLens: a "
            "file, a directory, s3://bucket/prefix, or - for standard input"
        ),
    ],
) -> None:
    """Load events (and the catalogue beside them) into the lake and the activity table.

    Example: `topshelf import-events ./ml-latest-small`
    """
    if path.startswith(SCHEME):
        connected = options.where(ctx).connect()
        source = open_source(path, s3=connected.client("s3"))
    else:
        # A bad path is told before anything is asked of the cloud.
        source = open_source(path, stdin=sys.stdin.buffer)
        connected = options.where(ctx).connect()
    err.print(escape(f"reading {path} as {source.description}"))
    with stages() as progress:
        summary = _load(connected, source, progress)
    out.print(summary_table(summary))
    if summary.users:
        err.print(f"{summary.users:,} rows on the viewers themselves were read; they are not used")


def import_into(stack: Stack, path: Path, progress: Progress) -> ImportSummary:
    """Imports a path into a stack; raises as infra.importers does."""
    return _load(stack, open_source(path), progress)


def _load(stack: Stack, source: Source, progress: Progress) -> ImportSummary:
    summary = run_import(
        source,
        lake=EventBucket(stack.client("s3"), bucket=stack.outputs["BucketName"]),
        activity=stack.activity(),
        policy=stack.policy(),
        clock=lambda: datetime.now(UTC),
        progress=lambda stage, done, share: progress(f"import: {stage}", done, _all(done, share)),
        # Before the first release nothing is served: training will know what was seen.
        mark_seen=stack.registry().champion() is not None,
    )
    # How many there are for sure is known at the end only.
    progress("import: rows", summary.read, summary.read)
    progress("import: lake", summary.accepted, summary.accepted)
    progress("import: activity", summary.activity_written, summary.activity_written)
    return summary


def _all(done: int, share: float | None) -> int:
    """Rows in all, from those done and their share; 0 where it is not known."""
    if share == 1.0:
        return done
    return About(done / share) if share else 0


def summary_table(summary: ImportSummary) -> Table:
    """What became of the rows: read = accepted + duplicates + quarantined."""
    table = Table(title="Import", title_justify="left")
    for column in ("read", "accepted", "duplicates", "quarantined", "movies"):
        table.add_column(column, justify="right")
    table.add_row(
        *(
            f"{count:,}"
            for count in (
                summary.read,
                summary.accepted,
                summary.duplicates,
                summary.quarantined,
                summary.movies,
            )
        )
    )
    return table
