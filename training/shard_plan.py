"""The plan of a training whose lists several machines make: who makes which, and out of what.

A fit puts all that the lists need beside it (training.shard_inputs), known by hashes; each shard
makes those of its viewers, and the last step puts the model together (training.shards).
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from topshelf.damping import Damping
from topshelf.errors import IntegrityError, InvalidInputError, NotFoundError
from topshelf.factors import Regularization
from topshelf.manifest import FileEntry, Manifest
from topshelf.recency import Recency

__all__ = [
    "PLAN_NAME",
    "Plan",
    "ShardStore",
    "ShardWork",
    "ShownAs",
    "StageSaid",
    "checked",
    "file_entry",
    "read_plan",
    "work_of",
]

PLAN_NAME: Final = "plan.json"


class ShardStore(Protocol):
    """What the steps of one training hand on, by name."""

    def read(self, name: str) -> bytes:
        """A whole file.

        Raises:
            NotFoundError: There is none.
        """

    def write(self, name: str, content: bytes) -> None:
        """Adds a file or replaces it, whole or not at all."""

    def clear(self) -> None:
        """Removes every file."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShownAs(_Frozen):
    """How exposures count, see training.exposures.Exposures."""

    least: int
    confidence: float


class StageSaid(_Frozen):
    """A re-ranking stage: its kind, its number; its arrays lie in files."""

    kind: str
    weight: float


class Plan(_Frozen):
    """What the steps after the fit need to know.

    Attributes:
        run: The training's name.
        shards: How many machines make lists.
        part: Viewers a part of the import.
        at: When the fit ended: the version's time, so that the last step may be repeated.
        draft: The manifest as far as it is known; its files are those below ``files/``, and its
            version names no model.
        inputs: What the lists are made of, by name.
        newest_event: UTC milliseconds.
        regularization: Of tastes.
        recency: Of the weighing.
        damping: Of the weighing.
        stages: That put lists into another order.
        shown: How exposures count; None where they do not.
        lenient: Whether leniencies of the viewers count.
        sample: What an import must give of what is nobody's own.
        sampled: Rows of the viewers that the sample tells of.
    """

    run: str
    shards: Annotated[int, Field(ge=1)]
    part: Annotated[int, Field(ge=1)]
    at: datetime
    draft: Manifest
    inputs: dict[str, FileEntry]
    newest_event: int
    regularization: Regularization
    recency: Recency
    damping: Damping
    stages: list[StageSaid]
    shown: ShownAs | None
    lenient: bool
    sample: dict[str, str]
    sampled: list[int]

    def work(self, shard: int) -> "ShardWork":
        """What a shard makes: whole parts, so that they are those of one machine."""
        return work_of(shard, self.shards, self.part, self.draft.n_users)


@dataclass(frozen=True, slots=True)
class ShardWork:
    """One shard's share.

    Attributes:
        folder: Where its files lie.
        first_part: Number of its first part.
        start: Row of its first viewer.
        stop: Row after its last; start where there are more shards than parts.
    """

    folder: str
    first_part: int
    start: int
    stop: int


def work_of(shard: int, shards: int, part: int, total: int) -> ShardWork:
    """A shard's share of all viewers, in whole parts of the import."""
    parts = -(-total // part)
    first, last = shard * parts // shards, (shard + 1) * parts // shards
    start, stop = (min(bound * part, total) for bound in (first, last))
    return ShardWork(f"shard-{shard:05d}/", first, start, stop)


def read_plan(store: ShardStore, run: str, shards: int) -> tuple[Plan, str]:
    """The plan of a run, and its sha256, by which what is made after it is known.

    Raises:
        NotFoundError: There is none.
        InvalidInputError: It is for another number of shards.
        IntegrityError: It is damaged, or another run's.
        UnavailableError: The store does not answer.
    """
    try:
        raw = store.read(PLAN_NAME)
    except NotFoundError as error:
        raise NotFoundError(
            f"shards/{run}/{PLAN_NAME}: the training {run} has no plan; run its fit first "
            "(TOPSHELF_STEP=fit), or it has ended and its plan is removed"
        ) from error
    try:
        plan = Plan.model_validate_json(raw)
    except ValidationError as error:
        said = error.errors()[0]
        raise IntegrityError(
            f"the plan of {run} is damaged ({said['loc']}: {said['msg']}); run its fit again"
        ) from error
    if plan.run != run:
        raise IntegrityError(f"the plan of {run} is that of {plan.run}; run its fit again")
    if plan.shards != shards:
        raise InvalidInputError(
            "TOPSHELF_SHARDS",
            f"TOPSHELF_SHARDS: {shards}, and the plan of {run} is for {plan.shards}",
        )
    return plan, file_entry(raw).sha256


def checked(store: ShardStore, name: str, expected: FileEntry) -> bytes:
    """A file's content.

    Raises:
        IntegrityError: It is missing, or not what was put there for this plan.
        UnavailableError: The store does not answer.
    """
    try:
        content = store.read(name)
    except NotFoundError as error:
        raise IntegrityError(f"{name} is missing, and the plan names it: {error}") from error
    if file_entry(content) != expected:
        raise IntegrityError(f"{name} is not what the plan says: run the training's fit again")
    return content


def file_entry(content: bytes) -> FileEntry:
    """Size and hash."""
    return FileEntry(size=len(content), sha256=sha256(content).hexdigest())
