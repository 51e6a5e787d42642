"""The training job: events of the lake in, a model artefact out. Entry of the container."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from threadpoolctl import threadpool_limits

from topshelf.aws.checkpoint_bucket import CheckpointBucket
from topshelf.aws.clients import create_client
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.errors import TopshelfError
from topshelf.events import EventPolicy
from topshelf.features import ConfidenceWeights
from topshelf.manifest import DataSnapshot, Manifest, check_run
from topshelf.ports import CheckpointStore, FactorStore, ModelRegistry
from topshelf.settings import TrainingSettings
from training.als import ALSParameters, fit_als, regularization_of
from training.checkpoints import Checkpoints
from training.evaluate import Evaluation, evaluate
from training.interactions import build_interactions, clean_events
from training.lake import EventLake, Progress, read_lake
from training.publish import TrainedModel, catalogue_entries, publish

__all__ = ["TrainingParameters", "main", "print_stage", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParameters:
    """Everything that decides what a model looks like, besides the data.

    Attributes:
        als: Of the factorization.
        confidence: Strength of each kind of event.
    """

    als: ALSParameters = field(default_factory=ALSParameters)
    confidence: ConfidenceWeights = field(default_factory=ConfidenceWeights)


def train(
    *,
    lake: EventLake,
    artefacts: FactorStore,
    registry: ModelRegistry,
    checkpoints: CheckpointStore,
    policy: EventPolicy,
    parameters: TrainingParameters,
    git_commit: str,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Manifest:
    """Trains a model and writes its artefact. The same data and parameters give the same files.

    Args:
        lake: Where events and the catalogue are, and where refused lines go.
        artefacts: Where the model goes.
        registry: Names the champion, which becomes the parent.
        checkpoints: Where a killed training of the same data and parameters left off; removed when
            the model is written.
        policy: Which events the deployment accepts.
        parameters: Of the training.
        git_commit: Recorded in the manifest.
        clock: Now, with a time zone.
        progress: Told of the stages ``read``, ``evaluate``, ``fit``, ``lists`` and ``upload``.

    Returns:
        The manifest of the new version. It is not released.

    Raises:
        InvalidInputError: Too little data, or parameters that lead to no model.
        ConflictError: An event object was overwritten while it was read.
        UnavailableError: A store does not answer.
    """
    parent = registry.champion()
    # Before the listing: an event that arrives between the two counts as not known.
    taken_at = int(clock().timestamp() * 1000)
    reading = read_lake(lake, policy, progress)
    cleaned = clean_events(reading.events)
    data = build_interactions(cleaned.events, parameters.confidence)
    catalogue, refused = catalogue_entries(lake.catalogue())
    scale = regularization_of(parameters.als, data.matrix).scale
    als = replace(parameters.als, regularization=scale)
    kept = Checkpoints(checkpoints)
    # One BLAS thread: products of split matrices would not have the same last bits everywhere.
    with threadpool_limits(1, "blas"):
        outcome = evaluate(data, als, lambda done: progress("evaluate", done, als.iterations), kept)
        factors = fit_als(
            data.matrix, als, lambda done: progress("fit", done, als.iterations), kept
        )
        model = TrainedModel(
            data=data,
            factors=factors,
            metrics=_metrics(outcome),
            counts={
                **reading.counts,
                **cleaned.counts,
                "evaluated_users": outcome.users,
                "refused_catalogue_lines": refused,
            },
            catalogue=catalogue,
            snapshot=DataSnapshot(
                taken_at=taken_at, newest_event=data.newest_event, objects=reading.objects
            ),
            git_commit=git_commit,
            parameters=asdict(replace(parameters, als=als)),
            seed=als.seed,
            parent_version=parent.version if parent else None,
        )
        manifest = publish(model, artefacts, clock(), progress)
    kept.clear()
    return manifest


def print_stage(stage: str, done: int, total: int) -> None:
    """A Progress for logs: one line a stage, at its end."""
    if done == total:
        sys.stdout.write(f"{stage}: {done}\n")
        sys.stdout.flush()


def main() -> int:
    """Runs the job with the environment's settings; 1, with the reason on stderr, if it fails."""
    try:
        settings = TrainingSettings.load()
        run = check_run(settings.run) if settings.run is not None else None
        region, endpoint = settings.region, settings.endpoint_url
        s3 = create_client("s3", region=region, endpoint_url=endpoint)
        dynamodb = create_client("dynamodb", region=region, endpoint_url=endpoint)
        scale = ConfidenceWeights(rating_min=settings.rating_min, rating_max=settings.rating_max)
        registry = RegistryTable(dynamodb, table=settings.registry_table)
        manifest = train(
            lake=LakeBucket(s3, bucket=settings.bucket),
            artefacts=ModelBucket(s3, bucket=settings.bucket),
            registry=registry,
            checkpoints=CheckpointBucket(s3, bucket=settings.bucket),
            policy=settings.policy(),
            parameters=TrainingParameters(confidence=scale),
            git_commit=settings.git_commit,
            clock=lambda: datetime.now(UTC),
            progress=print_stage,
        )
        if run is not None:
            registry.record_run(run, manifest.version)
    except TopshelfError as error:
        sys.stderr.write(f"training failed: {error}\n")
        return 1
    sys.stdout.write(f"version: {manifest.version}\n")
    return 0


def _metrics(outcome: Evaluation) -> dict[str, dict[str, float]]:
    name = "normalized_discounted_cumulative_gain_at_10"
    ratio = outcome.ndcg_ratio
    interval = {name: ratio.ratio, f"{name}_low": ratio.low, f"{name}_high": ratio.high}
    # JSON has no infinity: against a popularity that hits nothing there is no ratio to tell.
    told = {key: value for key, value in interval.items() if value != float("inf")}
    return {**outcome.metrics, "als_to_popularity": told}


if __name__ == "__main__":
    sys.exit(main())
