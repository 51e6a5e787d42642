"""The tables of a moto server as they are kept: in parts, of which only the changed are written.

An item belongs to the part that its partition key's checksum names, so a write touches one part,
however large the table is. An item that was written is never changed in place (moto's own updates
are mended to that end): what was seen while the gate was held can be written down later.
"""

import base64
import copy
import gzip
import json
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.table_import import TableImport

__all__ = [
    "PARTS",
    "Changes",
    "description_of",
    "items_of",
    "made_table",
    "on_the_wire",
    "packed",
    "tables",
]

PARTS: Final = 64
_LINES_A_CHUNK: Final = 2_000


def on_the_wire(value: Any) -> Any:
    """What JSON does not know, as DynamoDB's wire has it."""
    if isinstance(value, datetime):
        # moto's times are UTC and say nothing of it.
        return value.replace(tzinfo=UTC).timestamp()
    return base64.b64encode(value).decode()


def part_of(key: Any) -> int:
    """The part of a table that an item is in.

    Args:
        key: Its partition key, a value of moto's.
    """
    return zlib.crc32(repr(key.value).encode()) % PARTS


def tables() -> Iterator[tuple[str, Any]]:
    """Every table, with its region."""
    for region, backend in list(dynamodb_backends[DEFAULT_ACCOUNT_ID].items()):
        for table in list(backend.tables.values()):
            yield region, table


class Changes:
    """Which parts of which tables were written to since they were last taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By table object: one that is made anew under an old name is another.
        self._parts: dict[Any, set[int]] = {}
        self._importing: set[str] = set()

    def watch(self) -> None:
        """Sees every write in this process from now on; call once, before the server answers."""
        put, delete = Table.put_item, Table.delete_item
        update, run = DynamoDBBackend.update_item, TableImport.run

        # Noted after it was done: whoever takes the note in between takes the next one, too.
        def putting(table: Any, item_attrs: Any, *rest: Any, **named: Any) -> Any:
            answer = put(table, item_attrs, *rest, **named)
            self.note(table, _key(table, item_attrs))
            return answer

        def deleting(table: Any, hash_key: Any, range_key: Any) -> Any:
            answer = delete(table, hash_key, range_key)
            self.note(table, hash_key)
            return answer

        def updating(backend: Any, table_name: str, key: Any, *rest: Any, **named: Any) -> Any:
            table = backend.get_table(table_name)
            _replace_by_copy(table, key)
            answer = update(backend, table_name, key, *rest, **named)
            self.note(table, _key(table, key))
            return answer

        def importing(task: Any) -> None:
            with self._lock:
                self._importing.add(task.table_name)
            try:
                run(task)
            finally:
                with self._lock:
                    self._importing.discard(task.table_name)

        for owner, method, replacement in (
            (Table, "put_item", putting),
            (Table, "delete_item", deleting),
            (DynamoDBBackend, "update_item", updating),
            (TableImport, "run", importing),
        ):
            setattr(owner, method, replacement)

    def note(self, table: Any, key: Any) -> None:
        """Notes that an item was written."""
        with self._lock:
            self._parts.setdefault(table, set()).add(part_of(key))

    def importing(self, name: str) -> bool:
        """Whether a table is being imported, and so not there whole."""
        with self._lock:
            return name in self._importing

    def take(self, table: Any) -> set[int]:
        """The parts that changed, which count as seen from here on."""
        with self._lock:
            return self._parts.pop(table, set())

    def forget_others(self, known: Collection[Any]) -> None:
        """Forgets tables that are no more.

        Args:
            known: The tables that are.
        """
        with self._lock:
            self._parts = {table: parts for table, parts in self._parts.items() if table in known}

    def give_back(self, table: Any, parts: Iterable[int]) -> None:
        """Has parts count as changed again: they could not be written."""
        with self._lock:
            self._parts.setdefault(table, set()).update(parts)


def _key(table: Any, attributes: Any) -> Any:
    return DynamoType(attributes[table.hash_key_attr])


def _replace_by_copy(table: Any, key: Any) -> None:
    hash_key = _key(table, key)
    if table.has_range_key:
        group = table.items.get(hash_key, {})
        range_key = DynamoType(key[table.range_key_attr]) if table.range_key_attr in key else None
        if range_key in group:
            group[range_key] = copy.deepcopy(group[range_key])
    elif hash_key in table.items:
        table.items[hash_key] = copy.deepcopy(table.items[hash_key])


def items_of(table: Any, parts: set[int]) -> dict[int, list[Any]]:
    """The items of some parts of a table, as they are now.

    Args:
        table: moto's.
        parts: They; one without any item is an empty list.
    """
    found: dict[int, list[Any]] = {part: [] for part in parts}
    if not parts:
        return found
    for key, value in list(table.items.items()):
        part = part_of(key)
        if part in parts:
            found[part] += list(value.values()) if table.has_range_key else [value]
    return found


def description_of(table: Any) -> dict[str, Any]:
    """What a table is, without what it holds."""
    return {
        "schema": table.schema,
        "attributes": table.attr,
        "global_indexes": [_index(index) for index in table.global_indexes],
        "local_indexes": [_index(index) for index in table.indexes],
    }


def _index(index: Any) -> dict[str, Any]:
    said = index.describe()
    return {name: said[name] for name in ("IndexName", "KeySchema", "Projection")}


def packed(rows: Iterable[Any]) -> Iterator[bytes]:
    """Rows as gzipped JSON lines, each chunk a gzip member of its own.

    Args:
        rows: moto's items, or what is fit for the wire.
    """
    lines: list[bytes] = []
    for row in rows:
        said = row.to_json()["Attributes"] if isinstance(row, Item) else row
        lines.append(json.dumps(said, separators=(",", ":"), default=on_the_wire).encode() + b"\n")
        if len(lines) == _LINES_A_CHUNK:
            yield gzip.compress(b"".join(lines), 1, mtime=0)
            lines = []
    yield gzip.compress(b"".join(lines), 1, mtime=0)


def made_table(name: str, region: str, kept: Any, rows: Iterable[Any]) -> Any:
    """A table as it was kept.

    Args:
        name: Its name.
        region: AWS region.
        kept: What ``description_of`` said.
        rows: Its items, as on the wire.
    """
    table: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].create_table(
        name=name,
        schema=kept["schema"],
        attr=kept["attributes"],
        billing_mode="PAY_PER_REQUEST",
        throughput=None,
        global_indexes=kept["global_indexes"] or None,
        indexes=kept["local_indexes"] or None,
        streams=None,
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    for row in rows:
        # Not through put_item, which would check again what was checked when it came; nor through
        # the dictionary of attributes, which reckons the size anew with each.
        hash_key = DynamoType(row[table.hash_key_attr])
        range_key = DynamoType(row[table.range_key_attr]) if table.has_range_key else None
        item = Item(hash_key, range_key, {})
        dict.update(item.attrs, {name: DynamoType(value) for name, value in row.items()})
        if range_key is not None:
            table.items[hash_key][range_key] = item
        else:
            table.items[hash_key] = item
    return table
