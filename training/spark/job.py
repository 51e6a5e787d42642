"""The training job on Spark: what training.job does, for viewers that one machine cannot hold.

``spark-submit training/spark/job.py``, with the environment of training.job. What needs all data in
one place is not done here: the re-ranking stages, and of the report's study the trainings by
several seeds and those that leave parts out.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial

from pyspark import RDD, SparkContext
from threadpoolctl import threadpool_limits

from topshelf.aws.checkpoint_bucket import CheckpointBucket
from topshelf.aws.clients import create_client
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.errors import InvalidInputError
from topshelf.events import EventPolicy
from topshelf.manifest import DataSnapshot, Manifest, check_run
from topshelf.ports import CheckpointStore, FactorStore, ModelRegistry
from topshelf.settings import SparkSettings
from training.artefact import ItemFiles
from training.checks import CHECK_NAMES, DEFAULT_CHECKS, DataChecks, check_refused
from training.entry import exit_code, parameters_in, print_stage
from training.examination import examined_of
from training.judging import genre_vectors
from training.lake import EventLake, Progress
from training.lists import Audience
from training.parameters import TrainingParameters
from training.publish import catalogue_entries
from training.report import report
from training.selection import Timeline, timeline_of
from training.shrinkage import settle_shrinkage
from training.spark.als import SharedModel, fit_shared
from training.spark.checking import check_shared
from training.spark.cleaning import clean_shared
from training.spark.examination import SharedData, examine_shared
from training.spark.judging import evaluate_shared
from training.spark.progress import ItemCheckpoints
from training.spark.publishing import SharedTraining, publish_shared
from training.spark.reading import read_shared
from training.spark.sampling import sample_shared
from training.spark.session import training_session
from training.spark.viewers import viewers_of_events
from training.stages import Reranking
from training.study_findings import figures_of, metrics_of

__all__ = ["main", "train_shared"]


def train_shared(
    context: SparkContext,
    *,
    open_lake: Callable[[], EventLake],
    open_artefacts: Callable[[], FactorStore],
    registry: ModelRegistry,
    checkpoints: CheckpointStore,
    policy: EventPolicy,
    parameters: TrainingParameters,
    git_commit: str,
    clock: Callable[[], datetime],
    progress: Progress,
    parts: int,
    checks: DataChecks = DEFAULT_CHECKS,
) -> Manifest:
    """Trains a model and writes its artefact, as training.job.train does.

    Args:
        context: Of Spark.
        open_lake: Opens the lake; it travels to the workers, as open_artefacts does.
        open_artefacts: Opens where the model goes.
        registry: See training.job.train.
        checkpoints: See training.job.train.
        policy: See training.job.train.
        parameters: See training.job.train; no re-ranking.
        git_commit: See training.job.train.
        clock: See training.job.train.
        progress: Told of ``read``, ``check``, ``choose``, ``evaluate``, ``fit``, ``compare``,
            ``lists`` and ``upload``.
        parts: Shares of the viewers. The same data, parameters and shares give the same files.
        checks: What data is plausible.

    Raises:
        InvalidInputError: Broken data, or too little, or parameters that lead to no model.
        ConflictError: An event object was overwritten while it was read.
        UnavailableError: A store does not answer.
    """
    if parameters.reranking != Reranking():
        raise InvalidInputError(
            "reranking", "the job on Spark has no re-ranking stages; train on one machine, or none"
        )
    if parameters.confidence.rating_centred or parameters.confidence.unclicked:
        raise InvalidInputError(
            "confidence",
            "the job on Spark knows no usual rating, and not what was shown; set rating_centred "
            "and unclicked to 0",
        )
    parent = registry.champion()
    # Before the listing: an event that arrives between the two counts as not known.
    taken_at = int(clock().timestamp() * 1000)
    reading = read_shared(context, open_lake, policy, parts, progress)
    catalogue, refused_titles = catalogue_entries(open_lake().catalogue())
    made = len(CHECK_NAMES) - len(checks.skip)
    progress("check", 0, made)
    checked = check_shared(
        reading.frames(),
        checks,
        policy=policy,
        now=taken_at,
        known_items=catalogue,
        earlier=check_refused(reading.counts["lines"], reading.refused, checks),
        parts=parts,
    )
    progress("check", made, made)
    cleaned = clean_shared(checked.sessions, parts)
    reading.readings.unpersist()
    viewers = viewers_of_events(cleaned.frames, parameters.confidence, parts)
    timelines = viewers.whole().map(timeline_of)
    seed, most = parameters.als.seed, parameters.study.sample_entries
    parameters, shrinkage = settle_shrinkage(
        lambda: sample_shared(timelines, seed, most), parameters, progress
    )
    genres = genre_vectors(viewers.items.ids, catalogue)
    kept = ItemCheckpoints(checkpoints, parameters.als)

    def fit(stage: str, histories: RDD[Timeline]) -> SharedModel:
        def told(done: int) -> None:
            progress(stage, done, parameters.als.iterations)

        return fit_shared(
            histories,
            parameters.als,
            told,
            kept.of,
            recency=parameters.recency,
            damping=parameters.damping,
        )

    outcome = evaluate_shared(timelines, partial(fit, "evaluate"), parameters.als.seed, genres)
    learned = fit("fit", timelines)
    als = replace(parameters.als, regularization=learned.regularization.scale)
    counts = {
        **reading.counts,
        **checked.counts,
        **cleaned.counts,
        "evaluated_users": outcome.users,
        "refused_catalogue_lines": refused_titles,
    }
    settled = replace(parameters, als=als, damping=learned.weighing.damping)
    # One BLAS thread, as on one machine: the same last bits everywhere.
    with threadpool_limits(1, "blas"):
        findings = examine_shared(
            SharedData(
                timelines=timelines,
                items=viewers.items.ids,
                users=viewers.n_users,
                interactions=learned.degrees.entries,
                newest_event=viewers.newest_event,
                genres=genres,
            ),
            outcome,
            examined_of(parameters, settled, parent, open_artefacts()),
            progress,
            shrinkage=shrinkage,
        )
    metrics = metrics_of(findings)
    manifest = publish_shared(
        viewers,
        learned.model(),
        ItemFiles(
            factors=learned.items,
            catalogue=catalogue,
            told={
                **metrics,
                "data": counts,
                "study": figures_of(findings),
            },
            report=report(findings),
            weighing=learned.weighing,
        ),
        Audience(viewers.items, learned.degrees.viewers, viewers.n_users, viewers.newest_event),
        SharedTraining(
            metrics=metrics,
            snapshot=DataSnapshot(
                taken_at=taken_at, newest_event=viewers.newest_event, objects=reading.objects
            ),
            git_commit=git_commit,
            parameters=asdict(settled),
            seed=als.seed,
            parent_version=parent.version if parent else None,
        ),
        open_artefacts=open_artefacts,
        at=clock(),
        progress=progress,
    )
    kept.clear()
    viewers.blocks.unpersist()
    return manifest


def main() -> int:
    """Runs the job with the environment's settings; 1, with the reason on stderr, if it fails."""
    return exit_code(lambda: _run(SparkSettings.load()))


def _run(settings: SparkSettings) -> str:
    """The training; gives its last line."""
    run = check_run(settings.run) if settings.run is not None else None
    region, endpoint = settings.region, settings.endpoint_url
    s3 = create_client("s3", region=region, endpoint_url=endpoint)
    dynamodb = create_client("dynamodb", region=region, endpoint_url=endpoint)
    registry = RegistryTable(dynamodb, table=settings.registry_table)
    session = training_session(settings.spark_master)
    try:
        manifest = train_shared(
            session.sparkContext,
            open_lake=partial(_open_lake, settings.bucket, region, endpoint),
            open_artefacts=partial(_open_artefacts, settings.bucket, region, endpoint),
            registry=registry,
            checkpoints=CheckpointBucket(s3, bucket=settings.bucket),
            policy=settings.policy(),
            parameters=parameters_in(settings),
            git_commit=settings.git_commit,
            clock=lambda: datetime.now(UTC),
            progress=print_stage,
            parts=settings.spark_parts,
            checks=DataChecks.from_settings(settings.checks, settings.checks_skip),
        )
    finally:
        session.stop()
    if run is not None:
        registry.record_run(run, manifest.version)
    return f"version: {manifest.version}"


def _open_lake(bucket: str, region: str, endpoint: str | None) -> LakeBucket:
    return LakeBucket(create_client("s3", region=region, endpoint_url=endpoint), bucket=bucket)


def _open_artefacts(bucket: str, region: str, endpoint: str | None) -> ModelBucket:
    return ModelBucket(create_client("s3", region=region, endpoint_url=endpoint), bucket=bucket)


if __name__ == "__main__":
    sys.exit(main())
