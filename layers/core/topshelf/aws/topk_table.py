"""Ready lists in DynamoDB: one table a model version, key ``user_id``."""

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from topshelf.aws.activity_table import seen_key
from topshelf.aws.failures import failures_of
from topshelf.errors import ConflictError, NotFoundError, UnavailableError
from topshelf.manifest import artefact_prefix
from topshelf.ports import ImportReport, ViewerShelf
from topshelf.topk import TopKList, popular_key, similar_key, table_name

__all__ = ["TopKTable", "TopKTableImport", "import_line"]

_WHAT = "the top-K table"


def import_line(user_id: str, ready: TopKList) -> bytes:
    """One line of DynamoDB's S3-import format (DynamoDB JSON), newline at the end."""
    item = _to_item(user_id, ready)
    for name in {"scores", "history", "because", "unclicked"} & item.keys():
        item[name] = {"B": b64encode(item[name]["B"]).decode()}
    return json.dumps({"Item": item}, separators=(",", ":")).encode() + b"\n"


class TopKTable:
    """Adapter of TopKCache and TopKStore."""

    def __init__(self, client: Any, *, prefix: str, activity_table: str = "") -> None:
        """Builds the adapter.

        Args:
            client: Of DynamoDB.
            prefix: Table name up to the version.
            activity_table: Where seen items are read; needed by read alone.
        """
        self._client = client
        self._prefix = prefix
        self._activity = activity_table

    def read(self, version: str, user_id: str, days: Sequence[date]) -> ViewerShelf:
        """See TopKCache."""
        lists = table_name(self._prefix, version)
        seen_keys = [{"user_id": {"S": user_id}, "event_key": {"S": seen_key(day)}} for day in days]
        wanted = {
            lists: {
                "Keys": [{"user_id": {"S": user_id}}],
                # Neither history nor because is needed to answer: fewer bytes on the way.
                "ProjectionExpression": "#i, scores, #s, generated_at",
                "ExpressionAttributeNames": {"#i": "items", "#s": "source"},
            },
            self._activity: {
                "Keys": seen_keys,
                "ProjectionExpression": "#i",
                "ExpressionAttributeNames": {"#i": "items"},
                "ConsistentRead": True,
            },
        }
        with failures_of(_WHAT):
            answer = self._client.batch_get_item(RequestItems=wanted)
        if answer.get("UnprocessedKeys"):
            raise UnavailableError(f"{_WHAT} is throttled")
        found = answer["Responses"].get(lists, [])
        rows = answer["Responses"].get(self._activity, [])
        seen = frozenset(item for row in rows for item in row["items"]["SS"])
        return ViewerShelf(_from_item(found[0]) if found else None, seen)

    def popular(self, version: str, context: str = "") -> TopKList | None:
        """See TopKCache."""
        return self._get(version, popular_key(context), consistent=False)

    def similar(self, version: str, item_id: str) -> TopKList | None:
        """See TopKCache."""
        return self._get(version, similar_key(item_id), consistent=False)

    def titles(self, version: str, item_ids: Sequence[str]) -> dict[str, str]:
        """See TopKCache."""
        lists = table_name(self._prefix, version)
        wanted = {
            lists: {
                "Keys": [{"user_id": {"S": similar_key(item)}} for item in item_ids],
                "ProjectionExpression": "user_id, title",
            }
        }
        try:
            with failures_of(_WHAT):
                answer = self._client.batch_get_item(RequestItems=wanted)
        except NotFoundError as error:
            raise UnavailableError(f"there is no table of {version}; release it again") from error
        if answer.get("UnprocessedKeys"):
            raise UnavailableError(f"{_WHAT} is throttled")
        rows = answer["Responses"].get(lists, [])
        known = {row["user_id"]["S"]: row["title"]["S"] for row in rows if "title" in row}
        return {item: known[key] for item in item_ids if (key := similar_key(item)) in known}

    def get(self, version: str, user_id: str) -> TopKList | None:
        """See TopKStore."""
        return self._get(version, user_id, consistent=True)

    def replace(self, version: str, user_id: str, old: TopKList, new: TopKList) -> bool:
        """See TopKStore."""
        condition: dict[str, Any] = (
            {
                "ConditionExpression": "revision = :r",
                "ExpressionAttributeValues": {":r": {"N": str(old.revision)}},
            }
            if old.revision
            # An imported list has none.
            else {"ConditionExpression": "attribute_not_exists(revision)"}
        )
        item = _to_item(user_id, new) | {"revision": {"N": str(old.revision + 1)}}
        try:
            with failures_of(_WHAT):
                self._client.put_item(
                    TableName=table_name(self._prefix, version), Item=item, **condition
                )
        except ConflictError:
            return False
        return True

    def _get(self, version: str, key: str, *, consistent: bool) -> TopKList | None:
        try:
            with failures_of(_WHAT):
                answer = self._client.get_item(
                    TableName=table_name(self._prefix, version),
                    Key={"user_id": {"S": key}},
                    ConsistentRead=consistent,
                )
        except NotFoundError as error:
            raise UnavailableError(f"there is no table of {version}; release it again") from error
        return _from_item(answer["Item"]) if "Item" in answer else None


class TopKTableImport:
    """Adapter of TopKImport: DynamoDB's ImportTable from S3, which costs no write units."""

    def __init__(self, client: Any, *, prefix: str, bucket: str, kms_key_arn: str = "") -> None:
        """Builds the adapter.

        Args:
            client: Of DynamoDB.
            prefix: Table name up to the version.
            bucket: Holds ``models/``.
            kms_key_arn: Encrypts the tables; empty for DynamoDB's own key.
        """
        self._client = client
        self._prefix = prefix
        self._bucket = bucket
        key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": kms_key_arn}
        self._encryption = {"SSESpecification": key} if kms_key_arn else {}

    def start(self, version: str) -> str:
        """See TopKImport."""
        name = table_name(self._prefix, version)
        with failures_of("the import of the top-K table"):
            answer = self._client.import_table(
                # A repeat is the same import; another stack's of the same version is not.
                ClientToken=sha256(name.encode()).hexdigest()[:36],
                S3BucketSource={
                    "S3Bucket": self._bucket,
                    "S3KeyPrefix": artefact_prefix(version) + "topk/",
                },
                InputFormat="DYNAMODB_JSON",
                InputCompressionType="GZIP",
                TableCreationParameters={
                    "TableName": name,
                    "AttributeDefinitions": [{"AttributeName": "user_id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "user_id", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    **self._encryption,
                },
            )
        return str(answer["ImportTableDescription"]["ImportArn"])

    def report(self, handle: str) -> ImportReport:
        """See TopKImport."""
        with failures_of("the import of the top-K table"):
            said = self._client.describe_import(ImportArn=handle)["ImportTableDescription"]
        status = {"COMPLETED": "completed", "IN_PROGRESS": "running"}.get(
            said["ImportStatus"], "failed"
        )
        return ImportReport(
            status=status,
            imported=said.get("ImportedItemCount", 0),
            errors=said.get("ErrorCount", 0),
            detail=f"{said.get('FailureCode', '')} {said.get('FailureMessage', '')}".strip(),
        )

    def sample(self, version: str, keys: Sequence[str]) -> dict[str, TopKList]:
        """See TopKImport."""
        name = table_name(self._prefix, version)
        pending: Any = {
            name: {"Keys": [{"user_id": {"S": key}} for key in keys], "ConsistentRead": True}
        }
        found: dict[str, TopKList] = {}
        while pending:
            with failures_of(_WHAT):
                answer = self._client.batch_get_item(RequestItems=pending)
            for item in answer["Responses"].get(name, []):
                found[item["user_id"]["S"]] = _from_item(item)
            if not answer["Responses"].get(name) and answer.get("UnprocessedKeys"):
                raise UnavailableError(f"{_WHAT} is throttled; check the import again")
            pending = answer.get("UnprocessedKeys")
        return found


def _to_item(user_id: str, ready: TopKList) -> dict[str, dict[str, Any]]:
    item: dict[str, dict[str, Any]] = {
        "user_id": {"S": user_id},
        "items": {"S": ready.items},
        "scores": {"B": ready.scores},
        "history": {"B": ready.history},
        "because": {"B": ready.because},
        "source": {"S": ready.source},
        "generated_at": {"N": str(ready.generated_at)},
    }
    if ready.title:
        item["title"] = {"S": ready.title}
    if ready.leniency is not None:
        item["leniency"] = {"N": str(ready.leniency)}
    if ready.unclicked is not None:
        item["unclicked"] = {"B": ready.unclicked}
    return item


def _from_item(item: dict[str, Any]) -> TopKList:
    """A row as a list.

    Raises:
        UnavailableError: The row is damaged: it costs a tier, as one that cannot be read does.
    """
    try:
        ready = TopKList(
            items=item["items"]["S"],
            scores=bytes(item["scores"]["B"]),
            history=bytes(item.get("history", {}).get("B", b"")),
            because=bytes(item.get("because", {}).get("B", b"")),
            source=item["source"]["S"],
            generated_at=int(item["generated_at"]["N"]),
            revision=int(item.get("revision", {}).get("N", 0)),
            title=item.get("title", {}).get("S", ""),
            leniency=float(item["leniency"]["N"]) if "leniency" in item else None,
            unclicked=bytes(item["unclicked"]["B"]) if "unclicked" in item else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnavailableError(f"a row of {_WHAT} is damaged ({error!r})") from error
    if len(ready.scores) != 2 * len(ready.item_ids()):
        raise UnavailableError(f"a row of {_WHAT} is damaged: its scores are not its items'")
    return ready
