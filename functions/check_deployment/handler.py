"""CodeDeploy, before it shifts traffic → this → the new version of an API function."""

import time
from typing import Any

from aws_lambda_powertools import Logger

from topshelf.aws.clients import create_client
from topshelf.aws.code_deploy import LifecycleHook
from topshelf.aws.lambda_function import LambdaFunction
from topshelf.deployment import check_function
from topshelf.settings import AwsSettings, CheckSettings, utc_now

logger = Logger(service="check_deployment")


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Tells CodeDeploy whether the new version answers, whatever becomes of the asking.

    Raises:
        UnavailableError: CodeDeploy did not hear it; Lambda calls again.
    """
    place = AwsSettings.load()
    hook = LifecycleHook(
        create_client("codedeploy", place.region, place.endpoint_url, timeout=3),
        deployment=event["DeploymentId"],
        execution=event["LifecycleEventHookExecutionId"],
    )
    fault = _fault()
    hook.report(passed=fault is None)
    if fault is not None:
        logger.error("the new version is refused", exc_info=fault)
        return {"status": "Failed"}
    logger.info("the new version answers")
    return {"status": "Succeeded"}


def _fault() -> Exception | None:
    try:
        settings = CheckSettings.load()
        address = settings.lambda_endpoint_url or settings.endpoint_url
        # Time for a cold start, twice, and for two questions, within a minute.
        client = create_client("lambda", settings.region, address, timeout=10, attempts=2)
        check_function(
            settings.checked_kind,
            LambdaFunction(client, arn=settings.checked_function).invoke,
            admin_scope=settings.admin_scope,
            now=utc_now(),
            sleep=time.sleep,
        )
    except Exception as error:  # noqa: BLE001 - CodeDeploy waits an hour for a word
        return error
    return None
