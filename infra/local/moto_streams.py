"""The streams of a moto server's tables as they are kept: what no function has had so far.

Records keep their sequence numbers and the stream its name, so that how far an event source has
come, which the local cloud notes, stays true.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends

from infra.local.notes import SUFFIX, position_key

__all__ = ["bring_back", "seen_stream"]


class _Record:
    """A record as it was on the wire; moto's own would want the items that made it."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def to_json(self) -> Mapping[str, Any]:
        return self._record


def seen_stream(table: Any) -> tuple[dict[str, Any], list[Any]] | None:
    """The stream of a table, and the records that an event source has yet to play.

    Args:
        table: moto's.

    Returns:
        None for a table without a stream. Records that no event source waits for are left out.
    """
    shard = table.stream_shard
    if shard is None or not table.latest_stream_label:
        return None
    start, records = shard.starting_sequence_number, list(shard.items)
    end = start + len(records)
    next_ones = [start if after is None else after + 1 for after in _positions(table)]
    first = min(max(min(next_ones, default=end), start), end)
    kept = {
        "view": table.stream_specification["StreamViewType"],
        "label": table.latest_stream_label,
        "first": first,
    }
    return kept, [record.to_json() for record in records[first - start :]]


def bring_back(table: Any, kept: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> None:
    """Gives a table the stream that was kept.

    Args:
        table: moto's, with its items.
        kept: What ``seen_stream`` said.
        records: Its records.
    """
    table.set_stream_specification({"StreamEnabled": True, "StreamViewType": kept["view"]})
    table.latest_stream_label = kept["label"]
    table.stream_shard.starting_sequence_number = kept["first"]
    table.stream_shard.items = [_Record(record) for record in records]


def _positions(table: Any) -> list[int | None]:
    """How far each event source of the table's stream has come; None before its first record."""
    found: list[int | None] = []
    prefix = position_key(table.name, "")
    for name, bucket in list(s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.items()):
        if not name.endswith(SUFFIX):
            continue
        for key, versions in list(dict.items(bucket.keys)):
            if key.startswith(prefix) and isinstance(versions[-1], FakeKey):
                note = json.loads(versions[-1].value)
                if note["stream"].endswith(f"/stream/{table.latest_stream_label}"):
                    found.append(min(map(int, note["after"].values()), default=None))
    return found
