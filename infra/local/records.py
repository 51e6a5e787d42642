"""Reading a DynamoDB stream, record by record, as Lambda gets them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.local.event_pattern import RecordFilter

__all__ = ["Shards"]

_LIMIT: Final = 1000


class Shards:
    """A stream from its start, or from where it was left.

    Args:
        client: Of DynamoDB Streams, of this reader alone.
        stream_arn: The stream.
        region: AWS region.
        wanted: Which records are of interest.
        after: Sequence number of the last record that counts as read, by shard.
    """

    def __init__(
        self,
        client: Any,
        stream_arn: str,
        region: str,
        wanted: RecordFilter,
        after: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._arn = stream_arn
        self._region = region
        self._wanted = wanted
        self._iterators: dict[str, str | None] = {}
        self._last: dict[str, str] = dict(after or {})
        self._taken: list[dict[str, Any]] = []
        self._seen = 0
        self._end = ""
        # On the wire a record has the shape that Lambda gives a function, and botocore's parser
        # would cost a hundred times the test that leaves most records of an import out.
        client.meta.events.register("before-parse.dynamodb-streams.GetRecords", self._take)

    def read(self) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
        """One read of each shard.

        Yields:
            The shard, how many records were read, and those that are of interest.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        if not self._iterators:
            self._discover()
        for shard, iterator in list(self._iterators.items()):
            if iterator is None:
                continue
            self._taken, self._seen = [], 0
            try:
                answer = self._client.get_records(ShardIterator=iterator, Limit=_LIMIT)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code not in ("ExpiredIteratorException", "TrimmedDataAccessException"):
                    raise
                self._iterators[shard] = self._iterator(shard)
                continue
            self._iterators[shard] = answer.get("NextShardIterator")
            if self._seen:
                self._last[shard] = self._end
            if self._iterators[shard] is None:
                # The shard is closed: its children carry on.
                self._discover()
            yield shard, self._seen, self._taken

    def last(self, shard: str) -> str | None:
        """Sequence number of the last record read of a shard; None before the first."""
        return self._last.get(shard)

    def _discover(self) -> None:
        stream = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
        for shard in stream.get("Shards", []):
            if shard["ShardId"] not in self._iterators:
                self._iterators[shard["ShardId"]] = self._iterator(shard["ShardId"])

    def _iterator(self, shard: str) -> str:
        last = self._last.get(shard)
        position = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
            if last
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        answer = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, **position)
        return str(answer["ShardIterator"])

    def _take(self, response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict.get("status_code") != 200:
            return
        content = json.loads(response_dict["body"])
        records = content.get("Records", [])
        self._seen = len(records)
        for record in records:
            if self._wanted(record):
                record["awsRegion"] = self._region
                record["eventSourceARN"] = self._arn
                self._taken.append(record)
        if records:
            self._end = records[-1]["dynamodb"]["SequenceNumber"]
        content["Records"] = []
        response_dict["body"] = json.dumps(content).encode()
