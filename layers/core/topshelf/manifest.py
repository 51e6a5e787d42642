"""The manifest of a model artefact: written last, it makes a set of files a model."""

import json
import re
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from topshelf.errors import IntegrityError, InvalidInputError

__all__ = [
    "MANIFEST_NAME",
    "DataSnapshot",
    "FileEntry",
    "Manifest",
    "artefact_prefix",
    "check_run",
    "check_version",
    "make_version",
    "parse_manifest",
    "provenance_of",
    "version_hash",
]

MANIFEST_NAME = "manifest.json"

_VERSION = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
# What Step Functions takes for the name of an execution.
_RUN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class FileEntry(_Frozen):
    """One file of the artefact: its size in bytes and its sha256."""

    size: Annotated[int, Field(ge=0)]
    sha256: _Sha256


class DataSnapshot(_Frozen):
    """What the model was trained on.

    Attributes:
        taken_at: When the lake was listed, UTC milliseconds.
        newest_event: Newest event's time in it, UTC milliseconds.
        objects: Key of each object read, with its ETag.
    """

    taken_at: int
    newest_event: int
    objects: dict[str, str]


class Manifest(_Frozen):
    """What a model artefact is made of.

    Attributes:
        version: ``YYYYMMDDTHHMMSSZ-<8 hex of the content>``.
        n_users: Rows of user_factors.npy, one ready list each.
        n_items: Rows of item_factors.npy.
        factors: Columns of both.
        topk_items: Items that the import of ``topk/`` must report (lists, and the popular row).
        files: Every file of the artefact but this one, by its path below the version.
        data: The data snapshot.
        git_commit: The code that trained it.
        parameters: Of the training job.
        seed: Of its random generator.
        metrics: Offline metrics, by model and name.
        parent_version: The champion when the job began.
    """

    version: str
    n_users: Annotated[int, Field(ge=1)]
    n_items: Annotated[int, Field(ge=1)]
    factors: Annotated[int, Field(ge=1)]
    topk_items: Annotated[int, Field(ge=1)]
    files: dict[str, FileEntry]
    data: DataSnapshot
    git_commit: str
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, dict[str, float]]
    parent_version: str | None = None


def artefact_prefix(version: str) -> str:
    """Where a version's files lie in the bucket: ``models/<version>/``."""
    return f"models/{version}/"


def check_version(version: str) -> str:
    """Returns the version.

    Raises:
        InvalidInputError: It does not look like one.
    """
    if not _VERSION.fullmatch(version):
        raise InvalidInputError(
            "version",
            f"{version[:80]!r} is no model version; one looks like 20260131T235959Z-0a1b2c3d",
        )
    return version


def check_run(run: str) -> str:
    """Returns the name that a training was started with.

    Raises:
        InvalidInputError: It cannot be one.
    """
    if not _RUN.fullmatch(run):
        raise InvalidInputError(
            "run", f"{run[:80]!r} names no training; send 1..80 letters, digits, _ or -"
        )
    return run


def make_version(at: datetime, files: dict[str, FileEntry]) -> str:
    """Names a version after its time (UTC) and its content: the same files give the same 8 hex."""
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{files[name].sha256}\n".encode())
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"


def version_hash(version: str) -> bytes:
    """6 bytes that stand for a model version."""
    return blake2b(version.encode(), digest_size=6).digest()


def parse_manifest(raw: bytes, version: str) -> Manifest:
    """Reads a manifest.

    Raises:
        IntegrityError: It is damaged, or it is the manifest of another version.
    """
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise IntegrityError(
            f"the manifest of {version} is damaged: {error.errors()[0]['msg']}"
        ) from error
    if manifest.version != version:
        raise IntegrityError(f"the manifest of {version} is that of {manifest.version}")
    return manifest


def provenance_of(manifest: Manifest) -> dict[str, str]:
    """What the registry keeps of a manifest, for whoever asks where an answer came from."""
    data = manifest.data
    return {
        "files": str(len(manifest.files)),
        "git_commit": manifest.git_commit,
        "parameters": json.dumps(manifest.parameters, sort_keys=True),
        "seed": str(manifest.seed),
        "parent_version": manifest.parent_version or "",
        "data_taken_at": str(data.taken_at),
        "data_newest_event": str(data.newest_event),
        "data_objects": str(len(data.objects)),
        "data_sha256": sha256(json.dumps(data.objects, sort_keys=True).encode()).hexdigest(),
        "manifest": f"{artefact_prefix(manifest.version)}{MANIFEST_NAME}",
    }
