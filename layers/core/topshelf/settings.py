"""What the process is told from outside, read here alone: the environment, and the clock.

A variable is the field's name in capitals behind ``TOPSHELF_``; AWS's own names are kept.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from topshelf.errors import SettingsError
from topshelf.events import EventPolicy

__all__ = [
    "AwsSettings",
    "CheckSettings",
    "IngestSettings",
    "RecommendSettings",
    "RefreshSettings",
    "ReleaseSettings",
    "SparkSettings",
    "TrainingSettings",
    "starts_from_snapshot",
    "utc_now",
]


def utc_now() -> datetime:
    """The time, as entry points pass it inward: everything below takes its clock as an argument."""
    return datetime.now(UTC)


def starts_from_snapshot(env: Mapping[str, str] | None = None) -> bool:
    """Whether Lambda will freeze this process once it is initialized (SnapStart)."""
    present = os.environ if env is None else env
    return present.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


class _FromEnvironment(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        alias_generator=lambda name: f"TOPSHELF_{name.upper()}",
        populate_by_name=True,
        allow_inf_nan=False,
        extra="ignore",
        # A function loads its own alone, and a cold start builds no others.
        defer_build=True,
    )

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """Reads the settings.

        Args:
            env: The environment; the process's own when None. Empty values count as absent.

        Raises:
            SettingsError: Variables are missing or wrong; the text names each.
        """
        present = {k: v for k, v in (os.environ if env is None else env).items() if v != ""}
        try:
            return cls.model_validate(present)
        except ValidationError as error:
            faults = (f"{e['loc'][0]}: {e['msg'].lower()}" for e in error.errors())
            raise SettingsError("settings: " + "; ".join(faults)) from error


class AwsSettings(_FromEnvironment):
    """Where AWS is.

    Attributes:
        region: AWS region.
        endpoint_url: Set for an emulator only.
        lambda_endpoint_url: Set where functions run apart from the emulator.
    """

    region: Annotated[
        str, Field(validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    ] = "us-east-1"
    endpoint_url: Annotated[str | None, Field(validation_alias="AWS_ENDPOINT_URL")] = None
    lambda_endpoint_url: Annotated[
        str | None, Field(validation_alias="AWS_ENDPOINT_URL_LAMBDA")
    ] = None


class _EventSettings(AwsSettings):
    event_types: str = "view,watch,rating"
    rating_min: float = 0.5
    rating_max: float = 5.0

    def policy(self) -> EventPolicy:
        """What this deployment accepts."""
        names = (name.strip() for name in self.event_types.split(","))
        return EventPolicy(frozenset(n for n in names if n), self.rating_min, self.rating_max)


class _ApiSettings(AwsSettings):
    """Of both functions behind the API.

    Attributes:
        authorizer: What stands before the API. There is no default: taken for ``iam`` by mistake,
            an API with tokens would open every viewer to every viewer.
        admin_scope: With ``jwt``: scope of tokens that may do everything.
    """

    authorizer: Literal["iam", "jwt", "none"]
    admin_scope: Annotated[str, Field(pattern=r"^[!-~]+$")] = "topshelf/admin"


class IngestSettings(_EventSettings, _ApiSettings):
    """Of ingest_events."""

    events_stream: str
    activity_table: str
    activity_ttl_days: Annotated[int, Field(ge=1, le=3650)] = 90


class RecommendSettings(_ApiSettings):
    """Of recommend_api.

    Attributes:
        read_timeout_ms: Longest wait for the store before a tier is given up.
        pointer_ttl_seconds: How long the live version is believed without asking again.
    """

    registry_table: str
    activity_table: str
    topk_prefix: str
    signing_secret: str
    read_timeout_ms: Annotated[int, Field(ge=5, le=5000)] = 80
    pointer_ttl_seconds: Annotated[float, Field(ge=0, le=300)] = 5.0


class RefreshSettings(AwsSettings):
    """Of refresh_topk."""

    bucket: str
    registry_table: str
    topk_prefix: str


class ReleaseSettings(RefreshSettings):
    """Of release_model.

    Attributes:
        gate_tolerance: How much lower than the live model's a new model's NDCG@10 may be, as a
            fraction of it.
        kms_key_arn: Key of one's own for the tables of versions; empty for DynamoDB's.
    """

    gate_tolerance: Annotated[float, Field(ge=0, le=1)] = 0.1
    kms_key_arn: str = ""


class CheckSettings(AwsSettings):
    """Of check_deployment.

    Attributes:
        checked_function: ARN of the new version of the function to check.
        checked_kind: Which of the API's functions that is.
        admin_scope: As the API functions have it.
    """

    checked_function: str
    checked_kind: Literal["recommend", "ingest"]
    admin_scope: str = "topshelf/admin"


class TrainingSettings(_EventSettings):
    """Of the training job.

    Attributes:
        git_commit: Recorded in the manifest.
        run: Names the training, so that a release finds what it made; nothing is recorded without.
        checks: Thresholds of the data checks, ``name=number`` with commas between.
        checks_skip: Names of data checks to leave out, with commas between.
        parameters: JSON of what differs from the defaults, as `topshelf tune` writes it.
        step: ``all``; or one step of a training whose lists several machines make: ``fit``,
            ``lists``, ``finish``, see training.shards. They need a run.
        shard: With ``lists``: whose viewers', from 0.
        shards: How many machines make lists.
    """

    bucket: str
    registry_table: str
    git_commit: str = "unknown"
    run: str | None = None
    checks: str = ""
    checks_skip: str = ""
    parameters: str = "{}"
    step: Literal["all", "fit", "lists", "finish"] = "all"
    shard: Annotated[int, Field(ge=0)] = 0
    shards: Annotated[int, Field(ge=1)] = 1


class SparkSettings(TrainingSettings):
    """Of the training job on Spark.

    Attributes:
        spark_master: Where Spark runs, ``local[2]`` for one; spark-submit says it where empty.
        spark_parts: Shares of the viewers: a few for each core, each small enough for a task.
    """

    spark_master: str | None = None
    spark_parts: Annotated[int, Field(ge=1, le=10_000)] = 64
