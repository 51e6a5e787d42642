"""What a stack holds: the live model, the versions, the lake; read through the services' APIs."""

import gzip
import io
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from infra.cli.stack import Stack
from topshelf.aws.failures import failures_of

__all__ = ["Holdings", "ModelVersion", "StackView", "view"]

# Reading this much from an emulator takes about a second.
_COUNTED_BYTES: Final = 16 * 1024 * 1024
_COUNTED_OBJECTS: Final = 500
_CHUNK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Holdings:
    """Objects below one prefix.

    Attributes:
        objects: How many.
        size: Bytes, as stored.
        lines: How many in all; None where counting would take long.
        newest: Key of the one written last; None where there is none.
        newest_at: When, in seconds since the epoch.
    """

    objects: int
    size: int
    lines: int | None
    newest: str | None
    newest_at: float | None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model version in the bucket.

    Attributes:
        version: Its name.
        status: What the registry says of it; ``trained`` where it says nothing yet.
        trained_at: In seconds since the epoch; None where the name does not say.
        slot: ``live``, ``before`` (what a rollback makes live) or empty.
    """

    version: str
    status: str
    trained_at: float | None
    slot: str


@dataclass(frozen=True, slots=True)
class StackView:
    """What a stack holds.

    Attributes:
        live: The version that is served; None before the first release.
        live_trained_at: When it was trained, in seconds since the epoch.
        versions: All, newest first.
        events: Below ``events/``.
        quarantine: Below ``quarantine/``.
    """

    live: str | None
    live_trained_at: float | None
    versions: tuple[ModelVersion, ...]
    events: Holdings
    quarantine: Holdings


def view(stack: Stack) -> StackView:
    """Looks at a stack.

    Args:
        stack: It.

    Raises:
        UnavailableError: A store does not answer.
        NotFoundError: One does not exist.
    """
    s3, bucket, registry = stack.client("s3"), stack.outputs["BucketName"], stack.registry()
    champion = registry.champion()
    slots = {champion.previous: "before", champion.version: "live"} if champion else {}
    versions = tuple(
        ModelVersion(
            version=version,
            status=registry.describe(version).get("status", "trained"),
            trained_at=trained_at(version),
            slot=slots.get(version, ""),
        )
        for version in sorted(_folders(s3, bucket, "models/"), reverse=True)
    )
    live = champion.version if champion else None
    return StackView(
        live=live,
        live_trained_at=trained_at(live) if live else None,
        versions=versions,
        events=_holdings(s3, bucket, "events/"),
        quarantine=_holdings(s3, bucket, "quarantine/"),
    )


def trained_at(version: str) -> float | None:
    """When a version was trained, by its name, in seconds since the epoch.

    Args:
        version: ``YYYYMMDDTHHMMSSZ-<8 hex>``; of any other, nobody knows.
    """
    try:
        # Its Z says UTC.
        return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%S%z").timestamp()
    except ValueError:
        return None


def _folders(s3: Any, bucket: str, prefix: str) -> list[str]:
    with failures_of(f"the bucket {bucket}"):
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, Delimiter="/"
        )
        return [
            entry["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages
            for entry in page.get("CommonPrefixes", [])
        ]


def _holdings(s3: Any, bucket: str, prefix: str) -> Holdings:
    with failures_of(f"the bucket {bucket}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [entry for page in pages for entry in page.get("Contents", [])]
        size = sum(int(entry["Size"]) for entry in found)
        lines = None
        if size <= _COUNTED_BYTES and len(found) <= _COUNTED_OBJECTS:
            lines = sum(_lines(s3, bucket, entry["Key"]) for entry in found)
    newest = max(found, key=lambda entry: (entry["LastModified"], entry["Key"]), default=None)
    return Holdings(
        objects=len(found),
        size=size,
        lines=lines,
        newest=newest["Key"] if newest else None,
        newest_at=newest["LastModified"].timestamp() if newest else None,
    )


def _lines(s3: Any, bucket: str, key: str) -> int:
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    if not content.startswith(_GZIP):
        return content.count(b"\n")
    count = 0
    try:
        with gzip.open(io.BytesIO(content)) as file:
            while chunk := file.read(_CHUNK):
                count += chunk.count(b"\n")
    except (OSError, EOFError, zlib.error):
        pass  # cut off or damaged: the lines up to there
    return count
