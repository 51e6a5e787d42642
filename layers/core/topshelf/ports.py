"""What topshelf needs from the world: each Protocol has an adapter in ``aws`` and a fake in tests.

Every method may raise UnavailableError when its store does not answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from topshelf.events import Interaction
from topshelf.topk import TopKList

__all__ = [
    "ActivityStore",
    "Champion",
    "CheckpointStore",
    "FactorStore",
    "ImportReport",
    "InteractionLog",
    "MetricSink",
    "ModelRegistry",
    "Origin",
    "SigningKeys",
    "TopKCache",
    "TopKImport",
    "TopKStore",
    "ViewerShelf",
]

Origin = Literal["live", "import"]


@dataclass(frozen=True, slots=True)
class Champion:
    """The live model version, as ``slot#champion`` of the registry holds it.

    Attributes:
        version: The version that is served.
        previous: The version before it, for rollback, and where the live one has no list.
        seen_since: First day (UTC, by arrival) whose seen items the version may not know.
        revision: Grows by one with each flip; a flip names the revision it replaces.
        previous_seen_since: As seen_since, for the previous version.
    """

    version: str
    previous: str | None
    seen_since: date
    revision: int
    previous_seen_since: date | None = None


@dataclass(frozen=True, slots=True)
class ViewerShelf:
    """What one read of the store gives for one viewer.

    Attributes:
        own: The viewer's list, if the version has one.
        seen: Items seen since the version's data snapshot.
    """

    own: TopKList | None
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The store's own report on an import.

    Attributes:
        status: ``running``, ``completed`` or ``failed``.
        imported: Items written.
        errors: Items refused.
        detail: The store's words on a failure.
    """

    status: str
    imported: int
    errors: int
    detail: str = ""


class InteractionLog(Protocol):
    """The way into the lake."""

    def append(self, events: Sequence[Interaction]) -> None:
        """Keeps the events of one request, all or none."""


class ActivityStore(Protocol):
    """What viewers did of late."""

    def record(
        self,
        events: Sequence[Interaction],
        *,
        arrived_at: int,
        origin: Origin = "live",
        mark_seen: bool = True,
    ) -> None:
        """Keeps each event once (a repeat is one item); events without a user are left out.

        Args:
            events: Any number.
            arrived_at: UTC milliseconds; decides the day under which seen items are kept.
            origin: ``import`` for a bulk import, whose events ask for no refresh.
            mark_seen: Whether the items are left out of answers from now on. An import
                before the first release can do without: the training history will hold them.
        """

    def newest(self, user_id: str, limit: int = 200) -> list[Interaction]:
        """The viewer's newest events, newest first."""


class TopKCache(Protocol):
    """Ready lists, read on the hot path."""

    def read(self, version: str, user_id: str, days: Sequence[date]) -> ViewerShelf:
        """The viewer's list and the items seen on the given days, in one call to the store."""

    def popular(self, version: str, context: str = "") -> TopKList | None:
        """What is popular in the version, or in a context of it such as ``genre:Drama``."""

    def similar(self, version: str, item_id: str) -> TopKList | None:
        """The items that are like an item; None if the version does not know it."""

    def titles(self, version: str, item_ids: Sequence[str]) -> Mapping[str, str]:
        """Titles of at most 100 items, by item id, as far as the version knows them.

        Raises:
            UnavailableError: Not all of them could be read.
        """


class TopKStore(Protocol):
    """Ready lists, one at a time, for refreshing them."""

    def get(self, version: str, user_id: str) -> TopKList | None:
        """The viewer's list, read with consistency."""

    def replace(self, version: str, user_id: str, old: TopKList, new: TopKList) -> bool:
        """Writes the new list if the old one still stands; False if somebody was faster.

        The store counts the list's revision, whatever the new one says.
        """


class TopKImport(Protocol):
    """Bulk import of a version's lists."""

    def start(self, version: str) -> str:
        """Begins to import ``models/<version>/topk/`` as the version's table.

        Returns:
            A handle for report.

        Raises:
            ConflictError: The table exists.
        """

    def report(self, handle: str) -> ImportReport:
        """How far the import is.

        Raises:
            NotFoundError: There is no such import.
        """

    def sample(self, version: str, keys: Sequence[str]) -> dict[str, TopKList]:
        """Reads at most 100 rows back."""


class FactorStore(Protocol):
    """Model artefacts: files below ``models/<version>/``. Nothing is ever overwritten."""

    def read(self, version: str, name: str) -> bytes:
        """A whole file.

        Raises:
            NotFoundError: There is none.
        """

    def chunks(self, version: str, name: str) -> Iterator[bytes]:
        """A file in pieces of bounded size, for files larger than memory."""

    def write(self, version: str, name: str, content: bytes) -> None:
        """Adds a file. Adding the same bytes again changes nothing, so a retry is safe.

        Raises:
            ConflictError: The file exists with other bytes.
        """


class CheckpointStore(Protocol):
    """What a training keeps of itself, one object a run, to continue after a kill."""

    def load(self, run: str) -> bytes | None:
        """What was saved last; None if nothing was."""

    def save(self, run: str, content: bytes) -> None:
        """Replaces what was saved, whole or not at all."""

    def remove(self, run: str) -> None:
        """Removes what was saved, if anything was."""


class ModelRegistry(Protocol):
    """Which version is served, and what is known of each."""

    def champion(self) -> Champion | None:
        """The live version; None before the first release."""

    def flip(self, expected: Champion | None, version: str, seen_since: date) -> Champion:
        """Makes a version the champion, its predecessor the previous one.

        Raises:
            ConflictError: The champion is no longer the expected one.
        """

    def record(self, version: str, status: str, details: Mapping[str, str]) -> None:
        """Writes ``model#<version>``."""

    def describe(self, version: str) -> Mapping[str, str]:
        """Reads ``model#<version>``; empty if nothing is known."""

    def record_run(self, run: str, version: str) -> None:
        """Writes ``run#<run>``: the version that a training made; the last, if it ran again."""

    def version_of_run(self, run: str) -> str | None:
        """Reads ``run#<run>``; None if no training of that name has ended well."""


class SigningKeys(Protocol):
    """Keys of recommendation ids."""

    def current(self) -> bytes:
        """The key to sign with, at least 32 bytes."""

    def accepted(self) -> tuple[bytes, ...]:
        """The keys whose ids are known: the current one, and the one before it."""


class MetricSink(Protocol):
    """Metrics and the exposure record of a request, one line each request."""

    def emit(
        self,
        slot: str,
        metrics: Mapping[str, tuple[str, float]],
        details: Mapping[str, object],
    ) -> None:
        """Writes one line.

        Args:
            slot: The model slot, a metric dimension.
            metrics: By name: unit (CloudWatch's, such as ``Count``) and value.
            details: Searchable, never a dimension: user, items, versions.
        """
