"""The training job: events of the lake in, a model artefact out. Entry of the container."""

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial

from threadpoolctl import threadpool_limits

from topshelf.aws.checkpoint_bucket import CheckpointBucket
from topshelf.aws.clients import create_client
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.aws.shard_bucket import ShardBucket
from topshelf.errors import SettingsError
from topshelf.events import EventPolicy
from topshelf.manifest import DataSnapshot, Manifest, check_run
from topshelf.ports import CheckpointStore, FactorStore, ModelRegistry
from topshelf.settings import TrainingSettings
from training.ablation import Ablation, ablate
from training.als import fit_als, regularization_of
from training.checkpoints import Checkpoints
from training.checks import DEFAULT_CHECKS, DataChecks
from training.entry import exit_code, parameters_in, print_stage
from training.examination import examine, examined_of
from training.fan_out import FanOut
from training.gathering import Gathered, gather
from training.interactions import build_interactions
from training.judging import genre_vectors
from training.lake import EventLake, Progress
from training.parameters import TrainingParameters
from training.publish import TrainedModel, Write, publish
from training.report import report
from training.selection import timeline_of, weighing_for
from training.shrinkage import settle_shrinkage
from training.stages import StageMaker
from training.study_findings import figures_of, metrics_of
from training.validation import Validation

__all__ = ["main", "print_stage", "train"]


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
    checks: DataChecks = DEFAULT_CHECKS,
    write: Write | None = None,
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
        progress: Told of the stages ``read``, ``check``, ``choose`` (the shrinkage, where nobody
            says it), ``leave parts out`` (where the study asks for it), ``evaluate``, ``compare``,
            ``fit``, ``lists`` and ``upload``.
        checks: What data is plausible; broken data stops the job before any fit.
        write: Hands the model out to those who make the lists; None to write the artefact here.

    Returns:
        The manifest of the new version. It is not released.

    Raises:
        InvalidInputError: Broken data, or too little, or parameters that lead to no model.
        ConflictError: An event object was overwritten while it was read.
        UnavailableError: A store does not answer.
    """
    parent = registry.champion()
    # Before the listing: an event that arrives between the two counts as not known.
    taken_at = int(clock().timestamp() * 1000)
    gathered = gather(
        lake, policy, checks, progress, now=taken_at, shown=_asks_for_shown(parameters)
    )
    catalogue, counts, objects = gathered.catalogue, gathered.counts, gathered.objects
    data = build_interactions(gathered.events, parameters.confidence, gathered.shown)
    studied = gathered if parameters.study.ablations else None
    # From here on the matrix is the data: at size, the events are most of the memory.
    del gathered
    timeline = timeline_of(data)
    parameters, shrinkage = settle_shrinkage(lambda: timeline, parameters, progress)
    ablations = [] if studied is None else _ablations(studied, parameters, progress)
    del studied
    weighing = weighing_for(timeline, parameters.recency, parameters.damping)
    weights = weighing.fitted(timeline.rows, timeline.confidences, timeline.indptr)
    plain = weights is timeline.confidences
    fitted = data.matrix if plain else timeline.matrix(weights)
    als = replace(parameters.als, regularization=regularization_of(parameters.als, fitted).scale)
    settled = replace(parameters, als=als, damping=weighing.damping)
    kept = Checkpoints(checkpoints)
    # One BLAS thread: products of split matrices would not have the same last bits everywhere.
    with threadpool_limits(1, "blas"):
        findings = examine(
            data,
            timeline,
            catalogue,
            examined_of(parameters, settled, parent, artefacts),
            progress,
            checkpoints=kept,
            ablations=ablations,
            shrinkage=shrinkage,
        )
        factors = fit_als(
            fitted,
            als,
            lambda done: progress("fit", done, als.iterations),
            kept,
            # Tastes are folded in where lists are made; here one is enough.
            served=fitted[:1],
            recency=parameters.recency,
            unclicked=timeline.unclicked(),
        )
        genres = genre_vectors(data.items.ids, catalogue)
        maker = StageMaker(data.matrix, factors.items, genres, als.seed)
        model = TrainedModel(
            data=data,
            factors=factors,
            metrics=metrics_of(findings),
            counts={**counts, "evaluated_users": findings.asked},
            catalogue=catalogue,
            snapshot=DataSnapshot(
                taken_at=taken_at, newest_event=data.newest_event, objects=objects
            ),
            git_commit=git_commit,
            parameters=asdict(settled),
            seed=als.seed,
            parent_version=parent.version if parent else None,
            report=report(findings),
            study=figures_of(findings),
            stages=maker.make(parameters.reranking),
            weighing=weighing,
        )
        manifest = (write or publish)(model, artefacts, clock(), progress)
    kept.clear()
    return manifest


def main() -> int:
    """Runs the job with the environment's settings; 1, with the reason on stderr, if it fails."""
    return exit_code(lambda: _run(TrainingSettings.load()))


def _run(settings: TrainingSettings) -> str:
    """The step that is asked for; gives its last line."""
    run = check_run(settings.run) if settings.run is not None else None
    region, endpoint = settings.region, settings.endpoint_url
    s3 = create_client("s3", region=region, endpoint_url=endpoint)
    dynamodb = create_client("dynamodb", region=region, endpoint_url=endpoint)
    registry = RegistryTable(dynamodb, table=settings.registry_table)
    artefacts = ModelBucket(s3, bucket=settings.bucket)
    write: Write | None = None
    if settings.step != "all":
        if run is None:
            raise SettingsError(f"settings: TOPSHELF_RUN: TOPSHELF_STEP={settings.step} needs it")
        fan_out = FanOut(ShardBucket(s3, bucket=settings.bucket, run=run), run, settings.shards)
        if settings.step == "lists":
            return fan_out.make_lists(settings.shard, print_stage)
        if settings.step == "finish":
            return fan_out.finish(artefacts, registry, print_stage)
        write = fan_out.fitted(registry)
    manifest = train(
        lake=LakeBucket(s3, bucket=settings.bucket),
        artefacts=artefacts,
        registry=registry,
        checkpoints=CheckpointBucket(s3, bucket=settings.bucket),
        policy=settings.policy(),
        parameters=parameters_in(settings),
        git_commit=settings.git_commit,
        clock=lambda: datetime.now(UTC),
        progress=print_stage,
        checks=DataChecks.from_settings(settings.checks, settings.checks_skip),
        write=write,
    )
    if settings.step == "fit":
        return f"handed out: {settings.shards}"
    if run is not None:
        registry.record_run(run, manifest.version)
    return f"version: {manifest.version}"


def _ablations(
    gathered: Gathered, parameters: TrainingParameters, progress: Progress
) -> list[Ablation]:
    validation = Validation(
        gathered.events,
        gathered.shown,
        seed=parameters.als.seed,
        max_entries=parameters.study.sample_entries,
    )
    with threadpool_limits(1, "blas"):
        return ablate(
            validation, parameters, validation.signals, partial(progress, "leave parts out")
        )


def _asks_for_shown(parameters: TrainingParameters) -> bool:
    return parameters.confidence.unclicked > 0 or parameters.study.ablations


if __name__ == "__main__":
    sys.exit(main())
