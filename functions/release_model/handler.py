"""One step of a release: a state machine, or `topshelf release`, calls them in order and polls."""

from functools import cache
from typing import Any, Literal

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict

from topshelf.aws.clients import create_client
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.aws.topk_table import TopKTableImport
from topshelf.errors import TopshelfError
from topshelf.release import ModelRelease
from topshelf.settings import ReleaseSettings

logger = Logger(service="release_model")


class Step(BaseModel):
    """What is asked for. Every step but ``rollback`` names a version."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["verify", "import", "check", "flip", "rollback"]
    version: str = ""


@cache
def _release() -> ModelRelease:
    settings = ReleaseSettings.load()
    place = (settings.region, settings.endpoint_url)
    dynamodb = create_client("dynamodb", *place)
    return ModelRelease(
        ModelBucket(create_client("s3", *place), bucket=settings.bucket),
        TopKTableImport(dynamodb, prefix=settings.topk_prefix, bucket=settings.bucket),
        RegistryTable(dynamodb, table=settings.registry_table),
    )


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Runs the step; a refusal raises, so that a state machine's Catch sees its name."""
    asked = Step.model_validate(event)
    try:
        outcome = _release().run(asked.step, asked.version)
    except TopshelfError as error:
        logger.warning("step refused", extra={"step": asked.step, "detail": str(error)})
        raise
    logger.info("step done", extra=outcome)
    return outcome
