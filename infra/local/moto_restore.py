"""Fills a moto server that holds nothing yet with the state that a folder keeps."""

import gc
import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends
from moto.secretsmanager.models import secretsmanager_backends

from infra.local.moto_streams import bring_back
from infra.local.moto_tables import made_table
from infra.local.state_folder import StateFolder

__all__ = ["bring_back_all"]


def bring_back_all(
    folder: StateFolder, state: Mapping[str, Any]
) -> tuple[dict[FakeKey, str], dict[Any, dict[str, str]]]:
    """Brings back what a folder keeps.

    Args:
        folder: It.
        state: What it keeps.

    Returns:
        The blob of each of moto's objects, and those of the parts of each of its tables.

    Raises:
        IntegrityError: A blob is missing or damaged.
    """
    # Millions of objects that all stay: looking for garbage among them doubles the time.
    gc.disable()
    try:
        objects = _objects(folder, state["buckets"])
        parts = _tables(folder, state["tables"])
        for name, kept in state["secrets"].items():
            _secret(folder, name, kept)
    finally:
        gc.enable()
        gc.freeze()
    return objects, parts


def _objects(folder: StateFolder, buckets: Mapping[str, Any]) -> dict[FakeKey, str]:
    s3: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    found = {}
    for name, bucket in buckets.items():
        s3.create_bucket(name, bucket["region"])
        for key, kept in bucket["objects"].items():
            made = s3.put_object(name, key, folder.get(kept["blob"]), etag=kept["etag"])
            made.set_metadata(kept["metadata"], replace=True)
            modified = datetime.fromtimestamp(kept["modified"], UTC)
            made.last_modified = modified.replace(tzinfo=None)
            found[made] = kept["blob"]
    return found


def _tables(folder: StateFolder, tables: Mapping[str, Any]) -> dict[Any, dict[str, str]]:
    found = {}
    for name, kept in tables.items():
        rows = (row for part in kept["parts"].values() for row in _rows(folder, part))
        table = made_table(name, kept["region"], kept, rows)
        if kept["stream"]:
            records = _rows(folder, kept["records"]) if kept["records"] else ()
            bring_back(table, kept["stream"], records)
        found[table] = dict(kept["parts"])
    return found


def _secret(folder: StateFolder, name: str, kept: Mapping[str, Any]) -> None:
    backend = secretsmanager_backends[DEFAULT_ACCOUNT_ID][kept["region"]]
    backend.create_secret(
        name=name,
        secret_string="",
        secret_binary=None,
        description=None,
        tags=[],
        kms_key_id=None,
        client_request_token=kept["current"],
        replica_regions=[],
        force_overwrite=False,
    )
    secret: Any = backend.secrets[name]
    # Under its own name and versions: both are what others have noted.
    secret.arn = kept["arn"]
    secret.versions = json.loads(folder.get(kept["blob"]))
    secret.set_default_version_id(kept["current"])


def _rows(folder: StateFolder, blob: str) -> Iterator[Any]:
    for line in gzip.decompress(folder.get(blob)).splitlines():
        yield json.loads(line)
