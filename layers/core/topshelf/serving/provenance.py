"""Where an answer came from: from its id to the model, the data and the code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from topshelf.errors import NotFoundError
from topshelf.ports import ModelRegistry
from topshelf.serving.recommendation_id import verify

__all__ = ["FoundProvenance", "find_provenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProvenance:
    """What is known of an answer.

    Attributes:
        answered_at: UTC milliseconds.
        tier: Fallback tier that answered.
        slot: Model slot.
        model_version: The version whose list was served.
        git_commit: The code that trained it.
        parent_version: The champion when the training began; empty for none.
        manifest: Key of the manifest in the bucket.
        parameters: Of the training.
        seed: Of the training.
        data_taken_at: When the lake was listed, UTC milliseconds.
        data_newest_event: Newest event that was read, UTC milliseconds.
        data_objects: Objects of the lake that were read.
        data_sha256: Of their keys and ETags.
    """

    answered_at: int
    tier: str
    slot: str
    model_version: str
    git_commit: str
    parent_version: str
    manifest: str
    parameters: dict[str, Any]
    seed: int
    data_taken_at: int
    data_newest_event: int
    data_objects: int
    data_sha256: str


def find_provenance(
    recommendation_id: str, keys: Sequence[bytes], registry: ModelRegistry
) -> FoundProvenance:
    """Resolves an answer's id.

    Args:
        recommendation_id: As the answer carried it.
        keys: Accepted signing keys.
        registry: Knows the versions.

    Raises:
        InvalidInputError: No accepted key signed the id.
        NotFoundError: The registry knows no such version.
        UnavailableError: The registry does not answer.
    """
    said = verify(recommendation_id, keys)
    version = registry.describe(said.version_hash.hex()).get("version", "")
    known = registry.describe(version) if version else {}
    if "manifest" not in known:
        raise NotFoundError("the model of this answer is not in the registry any more")
    return FoundProvenance(
        answered_at=said.time_ms,
        tier=said.tier,
        slot=said.slot,
        model_version=version,
        git_commit=known["git_commit"],
        parent_version=known["parent_version"],
        manifest=known["manifest"],
        parameters=json.loads(known["parameters"]),
        seed=int(known["seed"]),
        data_taken_at=int(known["data_taken_at"]),
        data_newest_event=int(known["data_newest_event"]),
        data_objects=int(known["data_objects"]),
        data_sha256=known["data_sha256"],
    )
