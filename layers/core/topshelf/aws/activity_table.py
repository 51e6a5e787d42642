"""Viewers' newest activity in DynamoDB: one item an event, one a viewer and day of what was seen.

Key ``user_id``, sort key ``event_key``: ``<time>#<event id>`` for an event, ``seen#<day>`` for
the set of items seen on a day of arrival. The day sets let an answer leave out what was seen since
the model's data snapshot with one BatchGetItem, also when the events come late.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from topshelf.aws.failures import failures_of
from topshelf.errors import UnavailableError
from topshelf.events import Interaction, activity_sort_key, encode_line, parse_stored
from topshelf.ports import Origin

__all__ = ["ActivityTable", "activity_event", "seen_key"]

_WHAT = "the activity table"
_BATCH = 25  # DynamoDB's limit for BatchWriteItem
_DAY = 86_400


def seen_key(day: date) -> str:
    """Sort key of the items seen on a day."""
    return f"seen#{day.isoformat()}"


class ActivityTable:
    """Adapter of ActivityStore."""

    def __init__(self, client: Any, *, table: str, ttl_days: int) -> None:
        """Builds the adapter.

        Args:
            client: Of DynamoDB.
            table: Its name.
            ttl_days: Days from arrival that an item is kept.
        """
        self._client = client
        self._table = table
        self._ttl = ttl_days * _DAY

    def record(
        self,
        events: Sequence[Interaction],
        *,
        arrived_at: int,
        origin: Origin = "live",
        mark_seen: bool = True,
    ) -> None:
        """See ActivityStore."""
        expires = str(arrived_at // 1000 + self._ttl)
        # The same key twice in one BatchWriteItem is refused: the last one stands.
        items = {
            (event.user_id, activity_sort_key(event)): {
                "user_id": {"S": event.user_id},
                "event_key": {"S": activity_sort_key(event)},
                "event": {"S": encode_line(event).decode().rstrip("\n")},
                "origin": {"S": origin},
                "expires_at": {"N": expires},
            }
            for event in events
            if event.user_id is not None
        }
        for batch in batched(items.values(), _BATCH, strict=False):
            self._put(batch)
        if mark_seen:
            self._mark_seen(events, arrived_at, expires)

    def newest(self, user_id: str, limit: int = 200) -> list[Interaction]:
        """See ActivityStore."""
        with failures_of(_WHAT):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="user_id = :u AND event_key < :events_end",
                # Event keys begin with a digit, and ":" follows "9".
                ExpressionAttributeValues={":u": {"S": user_id}, ":events_end": {"S": ":"}},
                ScanIndexForward=False,
                Limit=limit,
            )
        return [activity_event(item) for item in answer["Items"]]

    def _put(self, items: Iterable[dict[str, Any]]) -> None:
        pending: Any = {self._table: [{"PutRequest": {"Item": item}} for item in items]}
        with failures_of(_WHAT):
            for _ in range(8):
                pending = self._client.batch_write_item(RequestItems=pending).get(
                    "UnprocessedItems"
                )
                if not pending:
                    return
        raise UnavailableError(f"{_WHAT} is throttled; send the events again")

    def _mark_seen(self, events: Sequence[Interaction], arrived_at: int, expires: str) -> None:
        seen: dict[str, set[str]] = defaultdict(set)
        for event in events:
            if event.user_id is not None:
                seen[event.user_id].add(event.item_id)
        key = seen_key(datetime.fromtimestamp(arrived_at / 1000, UTC).date())
        for user_id, items in seen.items():
            with failures_of(_WHAT), _tolerating_a_full_set():
                self._client.update_item(
                    TableName=self._table,
                    Key={"user_id": {"S": user_id}, "event_key": {"S": key}},
                    # Adding to a set is atomic, and a repeat changes nothing.
                    UpdateExpression="ADD #i :items SET expires_at = :expires",
                    ExpressionAttributeNames={"#i": "items"},
                    ExpressionAttributeValues={
                        ":items": {"SS": sorted(items)},
                        ":expires": {"N": expires},
                    },
                )


@contextmanager
def _tolerating_a_full_set() -> Iterator[None]:
    """Lets a viewer's flood of items, more than an item of the table can hold, cost nobody events.

    They are kept all the same, and a refresh leaves their items out of the viewer's list.
    """
    try:
        yield
    except ClientError as error:
        # 400 KB: DynamoDB says so in the message alone.
        if "Item size" not in error.response.get("Error", {}).get("Message", ""):
            raise


def activity_event(item: dict[str, Any]) -> Interaction:
    """The interaction in an event's item of the table, or of its stream."""
    return parse_stored(item["event"]["S"].encode())
