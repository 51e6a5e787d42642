"""A stage as the pipeline reaches it: its API, its viewers, and what rolls out to it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.credentials import ReadOnlyCredentials
from botocore.session import get_session
from localstack_client.session import Session as LocalSession

from infra.cli.console import Progress
from infra.cli.options import ROOT
from infra.cli.stack import Place, Stack
from infra.pipeline.api import Api, Signer, bearer, sigv4, unsigned
from infra.pipeline.aws.rollout import AwsRollout
from infra.pipeline.aws.sam import SamDeploy, command
from infra.pipeline.aws.stack_parts import StackParts
from infra.pipeline.local.cloud import LocalStage
from infra.pipeline.local.rollout import LocalRollout
from infra.pipeline.stage import Stage, Target
from topshelf.aws.clients import create_client
from topshelf.errors import InvalidInputError, NotFoundError

__all__ = ["BUILD", "SAM", "Reached", "folder_of", "local_stage", "reach", "rollout_to"]

SAM: Final = ROOT / ".sam" / "bin" / "sam"
BUILD: Final = ROOT / ".aws-sam" / "build"
_LOOK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reached:
    """A stage that answers.

    Attributes:
        stack: Its stack.
        api: Its API.
        refuses: Whether the API refuses requests that carry nothing.
    """

    stack: Stack
    api: Api
    refuses: bool

    def viewers(self) -> list[str]:
        """The viewers whom the live model knows.

        Raises:
            NotFoundError: No model is live.
        """
        champion = self.stack.registry().champion()
        if champion is None:
            raise NotFoundError(
                f"no model is live in {self.stack.name}: `topshelf --cloud aws --stack "
                f"{self.stack.name} train`, then `release`"
            )
        found: list[str] = json.loads(self.stack.models().read(champion.version, "user_ids.json"))
        return found


def folder_of(stage: Stage, target: Target, state: Path) -> Path:
    """Where the pipeline notes what it knows of a stage."""
    return state.absolute() / (stage.name if target is Target.AWS else f"{stage.name}-local")


def local_stage(stage: Stage, state: Path) -> LocalStage:
    """A stage on this machine."""
    return LocalStage(stage, folder_of(stage, Target.LOCAL, state))


def reach(stage: Stage, target: Target, state: Path, token: str) -> Reached:
    """Finds a stage and says how it is asked.

    Args:
        stage: Which.
        target: Where.
        state: Folder of the pipeline's notes.
        token: For an API that asks for a JWT; empty for none.

    Raises:
        NotFoundError: It is not deployed.
        InvalidInputError: It asks for a token and there is none.
    """
    if target is Target.LOCAL:
        stack, record = local_stage(stage, state).connect()
        keys = LocalSession().get_credentials().get_frozen_credentials()
        sign = sigv4(keys, stage.region) if record.auth else unsigned
        api = Api.of(record.api_url, target, stage.region, sign)
        return Reached(stack, api, record.auth)
    stack = Stack.connect(stage.stack, Place(stage.region))
    parts = StackParts(stack.client("cloudformation"), stage.stack)
    authorizer = parts.parameters().get("Authorizer", "iam")
    sign = _signer(authorizer, stage.region, token)
    api = Api.of(stack.outputs["ApiUrl"], target, stage.region, sign)
    return Reached(stack, api, authorizer != "none")


def rollout_to(
    stage: Stage, target: Target, state: Path, source: Path, progress: Callable[[], Progress]
) -> AwsRollout | LocalRollout:
    """What rolls out to a stage.

    Args:
        stage: Which.
        target: Where.
        state: Folder of the pipeline's notes.
        source: The checkout; what is built from it goes to AWS.
        progress: Gives what is told how far a deployment on this machine is.
    """
    if target is Target.LOCAL:
        return LocalRollout(local_stage(stage, state), source, progress)

    def client(service: str) -> Any:
        return create_client(service, stage.region)

    # Without a build there is nothing to deploy, and yet something to go back to.
    words = command(SAM, BUILD, stage) if (BUILD / "template.yaml").is_file() else []
    return AwsRollout(
        StackParts(client("cloudformation"), stage.stack),
        client,
        SamDeploy(words, folder_of(stage, target, state) / "sam-deploy.log"),
        wait=lambda: time.sleep(_LOOK_SECONDS),
        monotonic=time.monotonic,
    )


def _signer(authorizer: str, region: str, token: str) -> Signer:
    if authorizer == "none":
        return unsigned
    if authorizer == "jwt":
        if not token:
            raise InvalidInputError(
                "token", "this API asks for a token: set TOPSHELF_TOKEN, or give --token"
            )
        return bearer(token)
    found = get_session().get_credentials()
    if found is None:
        raise InvalidInputError(
            "credentials", "there are no AWS credentials: requests to this API must be signed"
        )
    keys: ReadOnlyCredentials = found.get_frozen_credentials()
    return sigv4(keys, region)
