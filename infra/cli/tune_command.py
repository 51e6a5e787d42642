"""``topshelf tune``: parameters for a platform's own data."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.cli import options
from infra.cli.console import err, out, stages
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.errors import InvalidInputError
from topshelf.features import ConfidenceWeights
from training.ablation import Ablation, ablate
from training.als import ALSParameters
from training.checks import DataChecks, check_reading
from training.interactions import clean_events
from training.lake import read_lake
from training.parameters import TrainingParameters, parameters_text
from training.publish import catalogue_entries
from training.tune import Tuned, tune
from training.validation import Validation

__all__ = ["tuning"]


def tuning(
    ctx: typer.Context,
    *,
    trials: Annotated[
        int, typer.Option(min=1, max=10_000, help="Trainings of the study in all")
    ] = 100,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01, help="Bound on this run's search; what each part is worth is asked after it"
        ),
    ] = None,
    study: Annotated[
        Path, typer.Option(help="Where the study is kept; a study that is there goes on")
    ] = Path("topshelf-study.log"),
    file: Annotated[Path, typer.Option("--out", help="Where the best parameters go")] = Path(
        "parameters.json"
    ),
    factors: Annotated[
        int, typer.Option(min=1, max=1024, help="Latent factors, which are not searched")
    ] = ALSParameters().factors,
    entries: Annotated[
        int, typer.Option(min=1000, help="Viewers are drawn until they have so many interactions")
    ] = 2_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the search")] = 0,
    checks: Annotated[
        str,
        typer.Option(envvar="TOPSHELF_CHECKS", help="As `topshelf train --checks`"),
    ] = "",
    skip_checks: Annotated[
        str,
        typer.Option(envvar="TOPSHELF_CHECKS_SKIP", help="As `topshelf train --skip-checks`"),
    ] = "",
) -> None:
    """Search the parameters that fit this platform's data, and tell what each part is worth.

    Judged by NDCG@10 on what came before the newest fifth of each history, which stays unseen for
    the report. Ctrl-C ends the search with the best so far; the same command goes on.

    Example: `topshelf tune --minutes 30 && topshelf train --parameters parameters.json`
    """
    _writable(study)
    _writable(file)
    limits = DataChecks.from_settings(checks, skip_checks)
    connected = options.where(ctx).connect()
    policy = connected.policy()
    start = TrainingParameters(
        als=ALSParameters(factors=factors),
        confidence=ConfidenceWeights(rating_min=policy.rating_min, rating_max=policy.rating_max),
    )
    with stages() as progress:
        lake = LakeBucket(connected.client("s3"), bucket=connected.outputs["BucketName"])
        reading = read_lake(lake, policy, progress, shown=True)
        catalogue, _ = catalogue_entries(lake.catalogue())
        checked = check_reading(
            reading,
            limits,
            policy=policy,
            now=int(datetime.now(UTC).timestamp() * 1000),
            known_items=catalogue,
            progress=progress,
        )
        cleaned = clean_events(checked.events, reading.shown)
        validation = Validation(cleaned.events, cleaned.shown, seed=seed, max_entries=entries)
        progress("tune", 0, trials)
        found = tune(
            validation,
            start,
            file=study,
            trials=trials,
            seconds=minutes * 60 if minutes else None,
            seed=seed,
            on_trial=lambda done, _best: progress("tune", done, trials),
        )
        # Before the ablation: who is interrupted there has the parameters.
        _write(file, parameters_text(found.parameters))
        worth = ablate(
            validation,
            found.parameters,
            validation.signals,
            lambda done, total: progress("leave parts out", done, total),
        )
    err.print(_table(found, worth))
    out.print(f"{file} holds the best of {found.trials} trials; topshelf train --parameters {file}")


def _writable(path: Path) -> None:
    """Told before the search, and not after it."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InvalidInputError("out", f"{path} cannot be written: name a file in a folder that is")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise InvalidInputError("out", f"{path} cannot be written: {error.strerror}") from error


def _table(found: Tuned, worth: list[Ablation]) -> Table:
    table = Table(title="Validation, NDCG@10", title_justify="left", caption_justify="left")
    for column in ("", "NDCG@10", "times", "95% interval"):
        table.add_column(column, justify="right" if column else "left")
    gain = found.ratio
    table.add_row("the defaults", f"{found.before:.4f}", "1", "")
    table.add_row(
        "the best found",
        f"{found.ndcg:.4f}",
        f"{gain.ratio:.3f}",
        f"{gain.low:.3f}..{gain.high:.3f}",
    )
    for one in worth:
        left = one.ratio
        table.add_row(
            f"  with: {name}"
            if (name := one.name.removeprefix("+ ")) != one.name
            else f"  without: {name}",
            f"{one.ndcg:.4f}",
            f"{left.ratio:.3f}",
            f"{left.low:.3f}..{left.high:.3f}",
        )
    table.caption = "The best of many looks better than it is: believe the training's report."
    return table
