"""``topshelf train``, ``release`` and ``rollback``."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.cli import options, releasing
from infra.cli.console import Progress, err, out, stages
from infra.cli.stack import Stack
from topshelf.aws.checkpoint_bucket import CheckpointBucket
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.errors import InvalidInputError, NotFoundError
from topshelf.features import ConfidenceWeights
from topshelf.manifest import Manifest
from topshelf.serving.baked import BAKED_NAME
from topshelf.serving.baked import bake as baking
from training.als import ALSParameters
from training.checks import DEFAULT_CHECKS, DataChecks
from training.job import train as run_training
from training.parameters import TrainingParameters, parameters_of
from training.stages import Reranking
from training.study import StudyOptions

__all__ = ["bake", "metrics_table", "release", "rollback", "train", "train_on"]

_DEFAULTS = ALSParameters()
_STUDY = StudyOptions()
_NO_STAGE = Reranking()
_GAIN = "normalized_discounted_cumulative_gain_at_10"
_SHOWN = ("als", "parent", "popularity")


def train(
    ctx: typer.Context,
    *,
    factors: Annotated[
        int | None, typer.Option(min=1, max=1024, help=f"Latent factors [{_DEFAULTS.factors}]")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, max=200, help=f"Iterations [{_DEFAULTS.iterations}]")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help=f"The same data and seed give the same bytes [{_DEFAULTS.seed}]"),
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="As `topshelf tune` writes them"),
    ] = None,
    checks: Annotated[
        str,
        typer.Option(
            envvar="TOPSHELF_CHECKS",
            help="Thresholds of the data checks, as in events_per_minute=900,duplicate_share=0.5",
        ),
    ] = "",
    skip_checks: Annotated[
        str,
        typer.Option(
            envvar="TOPSHELF_CHECKS_SKIP", help="Data checks to leave out, as in missing_days"
        ),
    ] = "",
    seeds: Annotated[
        int, typer.Option(min=1, max=20, help="Trainings that the report's intervals are of")
    ] = _STUDY.seeds,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Leave each part out in turn, for the report")
    ] = False,
    rerank_ease: Annotated[
        float, typer.Option(min=0, max=100, help="Weight of EASE's opinion on head items; 0 is off")
    ] = 0.0,
    rerank_diversity: Annotated[
        float, typer.Option(min=0, max=1, help="Unlikeness against relevance in a list; 0 is off")
    ] = 0.0,
    rerank_calibration: Annotated[
        float, typer.Option(min=0, max=1, help="Genres in a history's proportions; 0 is off")
    ] = 0.0,
) -> None:
    """Train a model on the lake and write its artefact; the last line is its version.

    Broken data stops it with the events at fault shown; docs/data-checks.md has each check. Its
    report (`topshelf report`) tells what the model is worth, and which re-ranking would win.

    Example: `topshelf release $(topshelf train)`
    """
    limits = DataChecks.from_settings(checks, skip_checks)
    connected = options.where(ctx).connect()
    base = TrainingParameters(confidence=_scale(connected))
    if parameters is not None:
        base = parameters_of(_text_of(parameters), base)
    given = {"factors": factors, "iterations": iterations, "seed": seed}
    als = replace(base.als, **{name: one for name, one in given.items() if one is not None})
    with stages() as progress:
        manifest = train_on(
            connected,
            als,
            progress,
            limits,
            base=base,
            study=StudyOptions(seeds=seeds, ablations=ablations),
            reranking=Reranking(
                ease=rerank_ease, diversity=rerank_diversity, calibration=rerank_calibration
            ),
        )
    err.print(metrics_table(manifest))
    out.print(manifest.version)


def train_on(
    stack: Stack,
    als: ALSParameters,
    progress: Progress,
    checks: DataChecks = DEFAULT_CHECKS,
    *,
    base: TrainingParameters | None = None,
    study: StudyOptions = _STUDY,
    reranking: Reranking = _NO_STAGE,
) -> Manifest:
    """Trains on a stack's lake; raises as the job does."""
    s3, policy = stack.client("s3"), stack.policy()
    return run_training(
        lake=LakeBucket(s3, bucket=stack.outputs["BucketName"]),
        artefacts=stack.models(),
        registry=stack.registry(),
        checkpoints=CheckpointBucket(s3, bucket=stack.outputs["BucketName"]),
        policy=policy,
        parameters=replace(
            base or TrainingParameters(confidence=_scale(stack)),
            als=als,
            study=study,
            reranking=reranking,
        ),
        git_commit=_git_commit(),
        clock=lambda: datetime.now(UTC),
        progress=progress,
        checks=checks,
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError("parameters", f"{path} cannot be read: {error}") from error


def _scale(stack: Stack) -> ConfidenceWeights:
    policy = stack.policy()
    return ConfidenceWeights(rating_min=policy.rating_min, rating_max=policy.rating_max)


def metrics_table(manifest: Manifest) -> Table:
    """Offline metrics of each model, side by side, and what the first gains over popularity."""
    gain = manifest.metrics["als_to_popularity"]
    # The other models are in the report: a terminal has no room for them.
    models = {name: manifest.metrics[name] for name in _SHOWN if name in manifest.metrics}
    table = Table(
        title="Offline metrics (newest 20% of each viewer held out)",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("metric", no_wrap=True)
    for model in models:
        table.add_column(model, justify="right")
    for name in next(iter(models.values())):
        table.add_row(name, *(f"{found[name]:.4f}" for found in models.values()))
    if _GAIN in gain:
        low, high = gain[f"{_GAIN}_low"], gain[f"{_GAIN}_high"]
        table.caption = (
            f"NDCG@10 is {gain[_GAIN]:.2f} times that of popularity "
            f"(95% interval {low:.2f} to {high:.2f})"
        )
    return table


def release(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(help="As `topshelf train` printed it")],
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Release it even where its metrics say that it is worse"),
    ] = False,
) -> None:
    """Verify a model, import its lists and make it live; what is refused never serves.

    Unless you say `--force`, a model is refused whose NDCG@10 is below popularity's, or below the
    live model's by more than the stack's GateTolerance.

    Example: `topshelf release 20260131T235959Z-0a1b2c3d`
    """
    version = version.strip()
    if not version:
        raise InvalidInputError("version", "name the version that `topshelf train` printed")
    connected = options.where(ctx).connect()
    with stages() as progress:
        said = releasing.release(connected, version, progress, force=force)
    out.print(f"{said['version']} is live" + _before(said["previous"]))


def rollback(ctx: typer.Context) -> None:
    """Make the version before the live one live again.

    Example: `topshelf rollback`
    """
    connected = options.where(ctx).connect()
    said = releasing.rollback(connected)
    out.print(f"{said['version']} is live" + _before(said["previous"]))


def bake(
    ctx: typer.Context,
    *,
    folder: Annotated[
        Path,
        typer.Option(help="Of the function that answers; deployed with it next time"),
    ] = options.ROOT / "functions" / "recommend_api",
) -> None:
    """Write what is popular now into the deployment: the last resort when no store answers.

    Example: `topshelf bake && make build && sam deploy`
    """
    connected = options.where(ctx).connect()
    champion = connected.registry().champion()
    popular = connected.lists().popular(champion.version) if champion else None
    if champion is None or popular is None:
        raise NotFoundError("no model is live yet; run `topshelf train`, then `topshelf release`")
    titles = connected.lists().titles(champion.version, popular.item_ids())
    path = folder / BAKED_NAME
    path.write_bytes(baking(champion.version, popular, titles))
    out.print(f"{path} holds {len(popular.item_ids())} titles of {champion.version}")


def _before(version: str) -> str:
    return f" (before: {version})" if version else ""


def _git_commit() -> str:
    """The commit of this checkout; ``unknown`` outside one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=options.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
