"""A release of new code in AWS: SAM begins it, CodeDeploy shifts the traffic, alarms take it back.

``AutoPublishAlias`` makes a version of the code and has CodeDeploy move the alias to it while
CloudFormation waits; where CodeDeploy fails or is stopped, CloudFormation takes all of it back:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.pipeline.aws.alarms import ringing
from infra.pipeline.aws.aliases import Aliases
from infra.pipeline.aws.deployments import Deployments
from infra.pipeline.aws.sam import SamDeploy
from infra.pipeline.aws.stack_parts import Parts, StackParts
from infra.pipeline.rollout import Look, Shift
from topshelf.errors import ConflictError, UnavailableError

__all__ = ["AwsRollout"]

_SETTLE_SECONDS: Final = 1800.0


@dataclass(slots=True)
class AwsRollout:
    """A release of new code to one stack.

    Args:
        stack: Asked about itself.
        client: Gives the client of a service by its name.
        process: What deploys.
        wait: Passes the time between two looks.
        monotonic: Seconds.
    """

    stack: StackParts
    client: Callable[[str], Any]
    process: SamDeploy
    wait: Callable[[], None]
    monotonic: Callable[[], float]
    _parts: Parts = field(default_factory=Parts)
    _before: Mapping[str, str] = field(default_factory=dict)

    def before(self) -> Mapping[str, str]:
        """Version by function; nothing before the first deployment."""
        self._parts = self.stack.parts()
        self._before = {alias.function: alias.version for alias in self._aliases().all()}
        return self._before

    def begin(self) -> None:
        """Starts to deploy."""
        self.process.start()

    def look(self) -> Look:
        """How far it is; what rings takes it back at once, as CodeDeploy does."""
        code = self.process.ended()
        if code is not None:
            if code:
                said = f"sam deploy ended with {code}:\n{self.process.last_words()}"
                return Look(Shift.FAILED, said)
            return Look(Shift.DONE, f"deployed; {self.stack.stack} is {self.stack.status()}")
        if not self._parts.groups:
            # The first deployment makes them.
            self._parts = self.stack.parts()
        deployments = self._deployments()
        running = deployments.running()
        if not running:
            return Look(Shift.WAITING, f"{self.stack.stack} is {self.stack.status()}")
        alarms = ringing(self.client("cloudwatch"), deployments.alarms())
        said = ", ".join(
            f"{one.function or one.deployment_id} {one.status} with {one.weight:g}% of the requests"
            for one in running
        )
        if alarms:
            return Look(Shift.FAILED, f"in alarm: {', '.join(alarms)} ({said})")
        shifting = any(one.weight > 0 for one in running)
        return Look(Shift.SHIFTING if shifting else Shift.WAITING, said)

    def stop(self) -> None:
        """Ends it and waits until what served before serves again."""
        # First of all: it may be about to have CloudFormation begin.
        self.process.end()
        self._back(self._before, guess=False)

    def roll_back(self, before: Mapping[str, str]) -> list[str]:
        """Goes back to what served before, however far the release is.

        Args:
            before: Version by function, as noted before the release; where nothing was noted and
                nothing is under way, the version before the one that answers.

        Returns:
            What was done, for people.

        Raises:
            UnavailableError: The stack does not come to rest.
            NotFoundError: There is nothing to go back to.
        """
        return self._back(before, guess=not before) or ["nothing to do: what served before serves"]

    def _back(self, before: Mapping[str, str], *, guess: bool) -> list[str]:
        self._parts = self.stack.parts()
        said, deployments = [], self._deployments()
        running = deployments.running()
        for one in running:
            deployments.stop(one.deployment_id)
            said.append(f"stopped the deployment {one.deployment_id} ({one.function})")
        if not running and self.stack.status() == "UPDATE_IN_PROGRESS":
            self.stack.cancel_update()
            said.append(f"cancelled the update of {self.stack.stack}")
        self._settle()
        # What was just taken back answers as it did before.
        guess = guess and not said
        aliases = self._aliases()
        for alias in aliases.all():
            wanted = before.get(alias.function)
            if wanted is None and guess:
                wanted = aliases.version_before(alias)
            if wanted is not None and (alias.version != wanted or alias.beside):
                aliases.point(alias, wanted)
                said.append(f"{alias.function}: version {wanted} answers, not {alias.version}")
        return said

    def promote(self) -> list[str]:
        """Makes sure that the new code has all requests and nothing rings.

        Then versions older than the one to go back to are deleted.

        Returns:
            What serves and what is gone, for people.

        Raises:
            ConflictError: It is not so.
        """
        self._parts = self.stack.parts()
        status = self.stack.status()
        if not status.endswith("_COMPLETE") or "ROLLBACK" in status:
            raise ConflictError(f"{self.stack.stack} is {status}: nothing new serves")
        deployments = self._deployments()
        if running := deployments.running():
            raise ConflictError(f"{running[0].deployment_id} is still {running[0].status}")
        if alarms := ringing(self.client("cloudwatch"), deployments.alarms()):
            raise ConflictError(f"in alarm: {', '.join(alarms)}; `make roll-back` goes back")
        aliases = self._aliases()
        found = aliases.all()
        if shared := [alias for alias in found if alias.beside]:
            raise ConflictError(f"{shared[0].function}: {shared[0].beside} answers as well")
        said = [f"{alias.function}: version {alias.version} answers" for alias in found]
        pruned = ((alias.function, aliases.prune(alias)) for alias in found)
        said += [
            f"{name}: deleted the old versions {', '.join(old)}" for name, old in pruned if old
        ]
        return said

    def _settle(self) -> None:
        ends = self.monotonic() + _SETTLE_SECONDS
        while _moves(status := self.stack.status()):
            if self.monotonic() > ends:
                raise UnavailableError(f"{self.stack.stack} is still {status}: look at it in AWS")
            self.wait()

    def _deployments(self) -> Deployments:
        return Deployments(self.client("codedeploy"), self._parts.groups)

    def _aliases(self) -> Aliases:
        return Aliases(self.client("lambda"), self._parts.aliases)


def _moves(status: str) -> bool:
    # A stack in review has a change set that nobody has executed: it stays as it is.
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
