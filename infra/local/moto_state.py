"""What a moto server holds, kept in a folder and brought back: S3, DynamoDB and Secrets Manager.

Read in moto's own process, for its APIs give a large table page by page, each page as slowly as
the whole. The gate is held while it is noted what there is, so that what is kept was all true at
one moment; it is written down when requests go on again. Queues and logs are not kept, nor are old
versions of objects.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

from infra.local.moto_gate import Gate
from infra.local.moto_restore import bring_back_all
from infra.local.moto_streams import seen_stream
from infra.local.moto_tables import (
    PARTS,
    Changes,
    description_of,
    items_of,
    packed,
    tables,
)
from infra.local.state_folder import StateFolder

__all__ = ["MotoState"]

# Blobs by part; as JSON has it, by a string.
Parts = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is at one moment; what is large is not written down yet."""

    buckets: dict[str, tuple[str, dict[str, tuple[FakeKey, bytes | None]]]]
    tables: list[tuple[Any, dict[str, Any], dict[int, list[Any]], list[Any]]]
    secrets: dict[str, tuple[dict[str, Any], bytes]]


class MotoState:
    """Keeps the state of this process's moto in a folder.

    Args:
        folder: The folder.
        gate: What every request passes.
    """

    def __init__(self, folder: StateFolder, gate: Gate) -> None:
        self._folder = folder
        self._gate = gate
        self._changes = Changes()
        self._s3: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        # The blobs of what is written down, by moto's own objects.
        self._objects: dict[FakeKey, str] = {}
        self._parts: dict[Any, Parts] = {}
        self._last: dict[str, Any] | None = None
        self._saving = threading.Lock()

    def watch(self) -> None:
        """Has every write to a table noted; call once, before the server answers."""
        self._changes.watch()

    def restore(self) -> None:
        """Brings back what the folder keeps, into a moto that holds nothing yet.

        Raises:
            IntegrityError: A part of it is missing or damaged.
        """
        state = self._folder.state
        if state is None:
            return
        try:
            brought = bring_back_all(self._folder, state)
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise self._folder.damaged(f"it says what nobody understands ({error!r})") from error
        self._objects, self._parts = brought
        self._last = {name: state[name] for name in ("buckets", "tables", "secrets")}

    def save(self, *, last: bool = False) -> bool:
        """Keeps what moto holds now.

        Args:
            last: Whether no request is to be answered afterwards.

        Returns:
            False if nothing has changed since the last time.

        Raises:
            OSError: The folder cannot be written; what it kept before stands.
        """
        with self._saving:
            self._write_objects()
            if last:
                self._gate.close()
                seen = self._look()
            else:
                with self._gate.held():
                    seen = self._look()
            try:
                state = self._written(seen)
            except BaseException:
                for table, _, changed, _ in seen.tables:
                    self._changes.give_back(table, changed)
                raise
            if state == self._last:
                self._folder.touch()
                return False
            self._folder.commit(state, set(_blobs(state)))
            self._last = state
            return True

    def _write_objects(self) -> None:
        """Writes down objects, so that few are left for the moment when nobody may enter."""
        for bucket in list(self._s3.buckets.values()):
            for key in _newest(bucket).values():
                if key not in self._objects:
                    # One that is deleted while it is read is closed.
                    with contextlib.suppress(ValueError):
                        self._objects[key] = self._folder.put_once(key.value)

    def _look(self) -> _Seen:
        buckets = {
            name: (
                bucket.region_name,
                {
                    # The content of one that is deleted later is gone.
                    key: (newest, None if newest in self._objects else newest.value)
                    for key, newest in _newest(bucket).items()
                },
            )
            for name, bucket in dict(self._s3.buckets).items()
        }
        secrets = {}
        for region, backend in secretsmanager_backends[DEFAULT_ACCOUNT_ID].items():
            for secret in list(dict.values(backend.secrets)):
                if isinstance(secret, FakeSecret) and not secret.is_deleted():
                    current = secret.default_version_id
                    kept = {"region": region, "arn": secret.arn, "current": current}
                    secrets[secret.name] = kept, json.dumps(secret.versions).encode()
        return _Seen(buckets, list(self._look_at_tables()), secrets)

    def _look_at_tables(self) -> Iterator[tuple[Any, dict[str, Any], dict[int, list[Any]], Any]]:
        there = []
        for region, table in tables():
            # One that is being imported would be kept as a part of itself.
            if self._changes.importing(table.name):
                continue
            there.append(table)
            changed = self._changes.take(table)
            if table not in self._parts:
                changed = set(range(PARTS))
            kept = {"name": table.name, "region": region, **description_of(table)}
            stream, records = seen_stream(table) or (None, [])
            yield table, {**kept, "stream": stream}, items_of(table, changed), records
        self._changes.forget_others(there)

    def _written(self, seen: _Seen) -> dict[str, Any]:
        """Writes down what was seen."""
        return {
            "buckets": self._written_buckets(seen),
            "tables": self._written_tables(seen),
            "secrets": {
                name: {**kept, "blob": self._folder.put_once(versions)}
                for name, (kept, versions) in seen.secrets.items()
            },
        }

    def _written_buckets(self, seen: _Seen) -> dict[str, Any]:
        found: dict[str, Any] = {}
        written: dict[FakeKey, str] = {}
        for name, (region, objects) in seen.buckets.items():
            kept: dict[str, Any] = {}
            for key, (newest, content) in objects.items():
                blob = self._objects[newest] if content is None else self._folder.put_once(content)
                written[newest] = blob
                kept[key] = {
                    "blob": blob,
                    "etag": newest.etag.strip('"'),
                    "metadata": dict(newest.metadata),
                    "modified": newest.last_modified.replace(tzinfo=UTC).timestamp(),
                }
            found[name] = {"region": region, "objects": kept}
        self._objects = written
        return found

    def _written_tables(self, seen: _Seen) -> dict[str, Any]:
        found: dict[str, Any] = {}
        written: dict[Any, Parts] = {}
        for table, kept, changed, records in seen.tables:
            parts = written[table] = dict(self._parts.get(table, {}))
            for part, items in changed.items():
                parts.pop(str(part), None)
                if items:
                    parts[str(part)] = self._folder.put(packed(items))
            blob = self._folder.put(packed(records)) if records else None
            found[kept["name"]] = {**kept, "parts": parts, "records": blob}
        self._parts = written
        return found


def _newest(bucket: Any) -> dict[str, FakeKey]:
    """The newest version of each object; of one that was deleted it is no object."""
    return {
        key: versions[-1]
        for key, versions in list(dict.items(bucket.keys))
        if versions and isinstance(versions[-1], FakeKey)
    }


def _blobs(state: dict[str, Any]) -> Iterator[str]:
    for bucket in state["buckets"].values():
        yield from (kept["blob"] for kept in bucket["objects"].values())
    for table in state["tables"].values():
        yield from table["parts"].values()
        if table["records"]:
            yield table["records"]
    yield from (secret["blob"] for secret in state["secrets"].values())
