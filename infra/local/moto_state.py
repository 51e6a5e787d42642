"""What a moto server holds, kept in a folder and brought back: S3, DynamoDB and Secrets Manager.

Read in moto's own process, for its APIs give a large table page by page, each page as slowly as
the whole. Streams, queues and logs are not kept: what they carried is in the tables and the bucket.
"""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import FakeKey, s3_backends
from moto.secretsmanager.models import secretsmanager_backends

from infra.local.state_folder import StateFolder

__all__ = ["MotoState"]

_LINES_A_CHUNK: Final = 2_000


class MotoState:
    """Keeps the state of this process's moto in a folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._s3: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        # By table: how often it was written to, and how long it was, when its blob was made.
        self._writes: dict[str, int] = {}
        self._saved: dict[str, tuple[tuple[int, int], str]] = {}
        self._objects: dict[FakeKey, str] = {}
        self._last: dict[str, Any] | None = None
        self._saving = threading.Lock()

    def watch(self) -> None:
        """Has every write to a table counted; call once, before the server answers."""
        for method in ("put_item", "update_item", "delete_item"):
            self._count(method, lambda body: [body["TableName"]])
        self._count("batch_write_item", lambda body: list(body["RequestItems"]))
        self._count(
            "transact_write_items",
            lambda body: [
                of["TableName"] for item in body["TransactItems"] for of in item.values()
            ],
        )

    def restore(self) -> None:
        """Brings back what the folder keeps, into a moto that holds nothing yet.

        Raises:
            IntegrityError: A part of it is missing or damaged.
        """
        state = self._folder.state
        if state is None:
            return
        for name, bucket in state["buckets"].items():
            self._s3.create_bucket(name, bucket["region"])
            for key, kept in bucket["objects"].items():
                content = self._folder.get(kept["blob"])
                made = self._s3.put_object(name, key, content, etag=kept["etag"])
                made.set_metadata(kept["metadata"], replace=True)
                made.last_modified = datetime.fromtimestamp(kept["modified"], UTC).replace(
                    tzinfo=None
                )
                self._objects[made] = kept["blob"]
        for name, kept in state["tables"].items():
            table = dynamodb_backends[DEFAULT_ACCOUNT_ID][kept["region"]].create_table(
                name=name,
                schema=kept["schema"],
                attr=kept["attributes"],
                billing_mode="PAY_PER_REQUEST",
                throughput=None,
                global_indexes=None,
                indexes=None,
                # The deployment turns the stream on: what is brought back is no news.
                streams=None,
                sse_specification=None,
                tags=[],
                deletion_protection_enabled=False,
                warm_throughput=None,
            )
            for line in gzip.decompress(self._folder.get(kept["blob"])).splitlines():
                table.put_item(item_attrs=json.loads(line), overwrite=True)
            self._saved[name] = (0, len(table)), kept["blob"]
        for name, kept in state["secrets"].items():
            secretsmanager_backends[DEFAULT_ACCOUNT_ID][kept["region"]].create_secret(
                name=name,
                secret_string=json.loads(self._folder.get(kept["blob"])),
                secret_binary=None,
                description=None,
                tags=[],
                kms_key_id=None,
                client_request_token=None,
                replica_regions=[],
                force_overwrite=False,
            )
        self._last = {name: state[name] for name in ("buckets", "tables", "secrets")}

    def save(self) -> bool:
        """Keeps what moto holds now.

        Returns:
            False if nothing has changed since the last time.

        Raises:
            OSError: The folder cannot be written; what it kept before stands.
        """
        with self._saving:
            state = {
                "buckets": self._buckets(),
                "tables": dict(self._tables()),
                "secrets": dict(self._secrets()),
            }
            if state == self._last:
                return False
            blobs = {of["blob"] for kind in ("tables", "secrets") for of in state[kind].values()}
            for bucket in state["buckets"].values():
                blobs.update(kept["blob"] for kept in bucket["objects"].values())
            self._folder.commit(state, blobs)
            self._last = state
            return True

    def _count(self, method: str, tables: Any) -> None:
        original = getattr(DynamoHandler, method)

        def counted(handler: Any) -> Any:
            for name in tables(handler.body):
                self._writes[name] = self._writes.get(name, 0) + 1
            return original(handler)

        setattr(DynamoHandler, method, counted)

    def _buckets(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        known, self._objects = self._objects, {}
        for name, bucket in dict(self._s3.buckets).items():
            objects: dict[str, Any] = {}
            for key, versions in list(dict.items(bucket.keys)):
                newest = versions[-1]
                if not isinstance(newest, FakeKey):
                    continue  # a delete marker
                blob = known.get(newest) or self._folder.put([newest.value])
                self._objects[newest] = blob
                objects[key] = {
                    "blob": blob,
                    "etag": newest.etag.strip('"'),
                    "metadata": dict(newest.metadata),
                    "modified": newest.last_modified.replace(tzinfo=UTC).timestamp(),
                }
            found[name] = {"region": bucket.region_name, "objects": objects}
        return found

    def _tables(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for region, backend in dynamodb_backends[DEFAULT_ACCOUNT_ID].items():
            for name, table in list(backend.tables.items()):
                # Counted before it is read: a write in between makes it read again next time.
                mark = self._writes.get(name, 0), len(table)
                saved, blob = self._saved.get(name, (None, ""))
                if saved != mark:
                    blob = self._folder.put(_packed(table))
                    self._saved[name] = mark, blob
                yield (
                    name,
                    {
                        "region": region,
                        "schema": table.schema,
                        "attributes": table.attr,
                        "blob": blob,
                    },
                )

    def _secrets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for region, backend in secretsmanager_backends[DEFAULT_ACCOUNT_ID].items():
            for secret in list(dict.values(backend.secrets)):
                current = secret.versions[str(secret.default_version_id)].get("secret_string")
                value = json.dumps(current).encode()
                yield secret.name, {"region": region, "blob": self._folder.put([value])}


def _on_the_wire(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _packed(table: Any) -> Iterator[bytes]:
    """A table's items as gzipped JSON lines, each chunk a gzip member of its own."""
    lines: list[bytes] = []
    for item in table.all_items():
        said = item.to_json()["Attributes"]
        lines.append(json.dumps(said, separators=(",", ":"), default=_on_the_wire).encode())
        if len(lines) == _LINES_A_CHUNK:
            yield gzip.compress(b"\n".join(lines) + b"\n", 1, mtime=0)
            lines = []
    yield gzip.compress(b"".join(line + b"\n" for line in lines), 1, mtime=0)
