"""``topshelf train``, ``release`` and ``rollback``."""

import subprocess
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
from training.job import TrainingParameters
from training.job import train as run_training

__all__ = ["bake", "metrics_table", "release", "rollback", "train", "train_on"]

_DEFAULTS = ALSParameters()
_GAIN = "normalized_discounted_cumulative_gain_at_10"


def train(
    ctx: typer.Context,
    *,
    factors: Annotated[
        int, typer.Option(min=1, max=1024, help="Latent factors")
    ] = _DEFAULTS.factors,
    iterations: Annotated[
        int, typer.Option(min=1, max=200, help="ALS iterations")
    ] = _DEFAULTS.iterations,
    seed: Annotated[
        int, typer.Option(min=0, help="The same data and seed give the same bytes")
    ] = _DEFAULTS.seed,
) -> None:
    """Train a model on the lake and write its artefact; the last line is its version.

    Example: `topshelf release $(topshelf train)`
    """
    connected = options.where(ctx).connect()
    parameters = ALSParameters(factors=factors, iterations=iterations, seed=seed)
    with stages() as progress:
        manifest = train_on(connected, parameters, progress)
    err.print(metrics_table(manifest))
    out.print(manifest.version)


def train_on(stack: Stack, als: ALSParameters, progress: Progress) -> Manifest:
    """Trains on a stack's lake; raises as the job does."""
    s3, policy = stack.client("s3"), stack.policy()
    return run_training(
        lake=LakeBucket(s3, bucket=stack.outputs["BucketName"]),
        artefacts=stack.models(),
        registry=stack.registry(),
        checkpoints=CheckpointBucket(s3, bucket=stack.outputs["BucketName"]),
        policy=policy,
        parameters=TrainingParameters(
            als=als,
            confidence=ConfidenceWeights(
                rating_min=policy.rating_min, rating_max=policy.rating_max
            ),
        ),
        git_commit=_git_commit(),
        clock=lambda: datetime.now(UTC),
        progress=progress,
    )


def metrics_table(manifest: Manifest) -> Table:
    """Offline metrics of each model, side by side, and what the first gains over popularity."""
    gain = manifest.metrics["als_to_popularity"]
    models = {
        name: found for name, found in manifest.metrics.items() if name != "als_to_popularity"
    }
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
