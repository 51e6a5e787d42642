"""The registry in DynamoDB, key ``id``: ``slot#champion``, ``model#<version>``, ``run#<run>``."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError
from topshelf.ports import Champion

__all__ = ["RegistryTable"]

_WHAT = "the registry table"
_CHAMPION = "slot#champion"


class RegistryTable:
    """Adapter of ModelRegistry."""

    def __init__(self, client: Any, *, table: str) -> None:
        """Builds the adapter.

        Args:
            client: Of DynamoDB.
            table: Its name.
        """
        self._client = client
        self._table = table

    def champion(self) -> Champion | None:
        """See ModelRegistry."""
        item = self._get(_CHAMPION)
        if not item:
            return None
        return Champion(
            version=item["version"]["S"],
            previous=item["previous"]["S"] if "previous" in item else None,
            seen_since=date.fromisoformat(item["seen_since"]["S"]),
            revision=int(item["revision"]["N"]),
            previous_seen_since=(
                date.fromisoformat(item["previous_seen_since"]["S"])
                if "previous_seen_since" in item
                else None
            ),
        )

    def flip(self, expected: Champion | None, version: str, seen_since: date) -> Champion:
        """See ModelRegistry."""
        new = Champion(
            version=version,
            previous=expected.version if expected else None,
            seen_since=seen_since,
            revision=expected.revision + 1 if expected else 1,
            previous_seen_since=expected.seen_since if expected else None,
        )
        item = {
            "id": {"S": _CHAMPION},
            "version": {"S": new.version},
            "seen_since": {"S": new.seen_since.isoformat()},
            "revision": {"N": str(new.revision)},
        }
        if new.previous is not None:
            item["previous"] = {"S": new.previous}
        if new.previous_seen_since is not None:
            item["previous_seen_since"] = {"S": new.previous_seen_since.isoformat()}
        condition: dict[str, Any] = (
            {"ConditionExpression": "attribute_not_exists(id)"}
            if expected is None
            else {
                "ConditionExpression": "revision = :r",
                "ExpressionAttributeValues": {":r": {"N": str(expected.revision)}},
            }
        )
        try:
            with failures_of(_WHAT):
                self._client.put_item(TableName=self._table, Item=item, **condition)
        except ConflictError as error:
            raise ConflictError(
                f"{version} was not made the champion: another release or rollback came between; "
                "look at the live version and try again"
            ) from error
        return new

    def record(self, version: str, status: str, details: Mapping[str, str]) -> None:
        """See ModelRegistry."""
        values = {"status": status, **details}
        names = {f"#n{i}": name for i, name in enumerate(values)}
        with failures_of(_WHAT):
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"model#{version}"}},
                UpdateExpression="SET " + ", ".join(f"#n{i} = :v{i}" for i in range(len(values))),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    f":v{i}": {"S": value} for i, value in enumerate(values.values())
                },
            )

    def describe(self, version: str) -> Mapping[str, str]:
        """See ModelRegistry."""
        item = self._get(f"model#{version}")
        return {name: value["S"] for name, value in item.items() if name != "id"}

    def record_run(self, run: str, version: str) -> None:
        """See ModelRegistry."""
        with failures_of(_WHAT):
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"run#{run}"}},
                UpdateExpression="SET #version = :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": {"S": version}},
            )

    def version_of_run(self, run: str) -> str | None:
        """See ModelRegistry."""
        item = self._get(f"run#{run}")
        return item["version"]["S"] if item else None

    def _get(self, key: str) -> dict[str, Any]:
        with failures_of(_WHAT):
            answer = self._client.get_item(
                TableName=self._table, Key={"id": {"S": key}}, ConsistentRead=True
            )
        item: dict[str, Any] = answer.get("Item", {})
        return item
