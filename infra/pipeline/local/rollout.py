"""A release of new code on this machine. No part of the traffic goes first: there is no CodeDeploy.

The release takes all requests at once, is tried, and gives way to the one before where it fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.cli.console import Progress
from infra.pipeline.local.cloud import LocalStage
from infra.pipeline.rollout import Look, Shift
from topshelf.errors import ConflictError, NotFoundError

__all__ = ["LocalRollout"]

_KEY = "release"


@dataclass(slots=True)
class LocalRollout:
    """A release of a checkout to a stage on this machine.

    Args:
        local: The stage.
        source: The checkout.
        progress: Gives what is told how far a deployment is.
    """

    local: LocalStage
    source: Path
    progress: Callable[[], Progress]
    _before: str = ""

    def before(self) -> Mapping[str, str]:
        """The release that serves; nothing where none does."""
        self._before = self.local.releases.current() if self.local.running() else ""
        return {_KEY: self._before} if self._before else {}

    def begin(self) -> None:
        """Deploys it, and waits: a deployment here takes seconds."""
        release = self.local.releases.add(self.source)
        self.local.deploy(release, self.progress())
        self.local.seed(self.progress())

    def look(self) -> Look:
        """It is deployed once it has begun."""
        return Look(Shift.DONE, f"release {self.local.releases.current()} answers every request")

    def stop(self) -> None:
        """Deploys what served before; the first release of all is ended instead."""
        if self._before:
            self.roll_back({_KEY: self._before})
        else:
            self.local.down()

    def roll_back(self, before: Mapping[str, str]) -> list[str]:
        """Deploys the release that served before.

        Args:
            before: As ``before`` gave it.

        Raises:
            NotFoundError: Nothing served before.
        """
        wanted, current = before.get(_KEY, ""), self.local.releases.current()
        if not wanted:
            raise NotFoundError("no release was there before: nothing to go back to")
        if wanted == current and self.local.running():
            return [f"release {wanted} answers every request already"]
        self.local.deploy(wanted, self.progress())
        return [f"release {wanted} answers every request, not {current}"]

    def promote(self) -> list[str]:
        """Makes sure that the release serves.

        Raises:
            ConflictError: Nothing runs.
        """
        if self.local.running() is None:
            raise ConflictError(f"{self.local.stage.name} does not run: nothing is promoted")
        return [f"release {self.local.releases.current()} answers every request"]
