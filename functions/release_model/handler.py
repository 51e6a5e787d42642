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
    """What is asked for: ``trained`` names a training, every other step but ``rollback`` a version.

    ``force`` lets a model pass the gate that it would not pass.
    """

    model_config = ConfigDict(extra="forbid")

    step: Literal["trained", "verify", "gate", "import", "check", "flip", "rollback"]
    version: str = ""
    run: str = ""
    force: bool = False


@cache
def _release() -> ModelRelease:
    said = ReleaseSettings.load()
    place = (said.region, said.endpoint_url)
    dynamodb, prefix, key = create_client("dynamodb", *place), said.topk_prefix, said.kms_key_arn
    return ModelRelease(
        ModelBucket(create_client("s3", *place), bucket=said.bucket),
        TopKTableImport(dynamodb, prefix=prefix, bucket=said.bucket, kms_key_arn=key),
        RegistryTable(dynamodb, table=said.registry_table),
        said.gate_tolerance,
    )


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Runs the step; a refusal raises, so that a state machine's Catch sees its name."""
    asked = Step.model_validate(event)
    try:
        if asked.step == "trained":
            return {"status": "trained", "version": _release().trained(asked.run)}
        outcome = _release().run(asked.step, asked.version, force=asked.force)
    except TopshelfError as error:
        logger.warning("step refused", extra={"step": asked.step, "detail": str(error)})
        raise
    logger.info("step done", extra=outcome)
    return outcome
