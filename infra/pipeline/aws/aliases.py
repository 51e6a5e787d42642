"""Lambda's aliases: which version answers, and a way back to the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import NotFoundError

__all__ = ["Alias", "Aliases"]


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias of a function.

    Attributes:
        function: Name of the function.
        name: Of the alias.
        version: That answers.
        beside: A version that answers some of the requests; empty where one answers all.
    """

    function: str
    name: str
    version: str
    beside: str


@dataclass(frozen=True, slots=True)
class Aliases:
    """The aliases of a stage.

    Args:
        client: Of Lambda.
        pairs: Function and alias.
    """

    client: Any
    pairs: Sequence[tuple[str, str]]

    def all(self) -> list[Alias]:
        """All of them, as they are.

        Raises:
            UnavailableError: Lambda does not answer.
        """
        found = []
        for function, name in self.pairs:
            with failures_of("Lambda"):
                answer = self.client.get_alias(FunctionName=function, Name=name)
            weights = answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            version = answer["FunctionVersion"]
            found.append(Alias(function, name, version, ", ".join(sorted(weights))))
        return found

    def point(self, alias: Alias, version: str) -> None:
        """Lets one version answer all requests.

        Args:
            alias: Whose.
            version: Which.

        Raises:
            UnavailableError: Lambda does not answer.
        """
        with failures_of("Lambda"):
            self.client.update_alias(
                FunctionName=alias.function,
                Name=alias.name,
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": {}},
            )

    def version_before(self, alias: Alias) -> str:
        """The newest version that is older than the one that answers.

        Raises:
            NotFoundError: There is none.
            UnavailableError: Lambda does not answer.
        """
        older = self._older(alias)
        if not older:
            raise NotFoundError(
                f"{alias.function} has no version before {alias.version}: nothing to go back to; "
                "deploy an older commit instead"
            )
        return str(older[0])

    def prune(self, alias: Alias) -> list[str]:
        """Deletes versions that nobody goes back to: a snapshot of each would be billed.

        Kept are the version that answers, the one before it, and whatever is newer.

        Args:
            alias: Whose function's.

        Returns:
            The versions that are gone.

        Raises:
            UnavailableError: Lambda does not answer.
        """
        gone = [str(version) for version in self._older(alias)[1:]]
        for version in gone:
            with failures_of("Lambda"):
                self.client.delete_function(FunctionName=alias.function, Qualifier=version)
        return gone

    def _older(self, alias: Alias) -> list[int]:
        """Versions that are older than the one that answers, the newest first."""
        with failures_of("Lambda"):
            pages = self.client.get_paginator("list_versions_by_function").paginate(
                FunctionName=alias.function
            )
            names = [one["Version"] for page in pages for one in page["Versions"]]
        older = (int(n) for n in names if n.isdecimal() and int(n) < int(alias.version))
        return sorted(older, reverse=True)
