"""Firehose delivery as AWS does it, made from what the emulator writes.

moto writes each put at once as one object, plain, under the prefix as it stands in the template
(``events/dt=!{timestamp:yyyy-MM-dd}/``). Those raw objects are taken up about once a second, run
through the stream's processors, merged, and written as one object under the expanded prefix.

What is about to be merged is noted first. Whoever starts again after an end between writing and
deleting does the same once more, under the same name: each record is in the lake once.
"""

import base64
import gzip
import hashlib
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.delivery_stream import Stream, expand
from infra.local.faults import Faults
from infra.local.log_pattern import LineFilter
from infra.local.notes import Notes

__all__ = ["Delivery", "messages"]

_PART: Final = "delivery"
# Bounds what one merged object takes in.
_MERGED: Final = 1000

# Key and version of a raw object.
_Raw = tuple[str, str]


def messages(content: bytes, filters: Mapping[str, LineFilter]) -> Iterator[str]:
    """The log messages of CloudWatch Logs payloads, one after the other in a record.

    Args:
        content: JSON documents, decompressed.
        filters: The pattern of each subscription by name; payloads of others are kept whole.

    Raises:
        ValueError: The content is no such payload.
    """
    decoder = json.JSONDecoder()
    text = content.decode("utf-8").strip()
    while text:
        payload, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        if not isinstance(payload, dict) or "messageType" not in payload:
            raise ValueError("not a CloudWatch Logs payload")
        if payload["messageType"] != "DATA_MESSAGE":
            continue
        names = payload.get("subscriptionFilters", [])
        tests = [filters[name] for name in names if name in filters]
        for event in payload["logEvents"]:
            if all(test(event["message"]) for test in tests):
                yield event["message"].rstrip("\n")


class Delivery:
    """Mends what delivery streams wrote.

    Args:
        client: Of S3.
        streams: The delivery streams.
        filters: The pattern of each log subscription by name.
        notes: Where it is noted what is being merged.
        faults: Where an outage is noted.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        client: Any,
        streams: Iterable[Stream],
        filters: Mapping[str, LineFilter],
        *,
        notes: Notes,
        faults: Faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._streams = list(streams)
        self._filters = filters
        self._notes = notes
        self._faults = faults
        self._clock = clock
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        # What was being merged last, of each stream that was asked for it.
        self._merges: dict[str, Any] = {}

    def start(self, period: float = 1.0) -> None:
        """Starts to mend once a period.

        Args:
            period: Seconds.
        """
        self._thread = threading.Thread(
            target=self._faults.guard,
            args=(_PART, self._run, period),
            daemon=True,
            name="delivery",
        )
        self._thread.start()

    def flush(self) -> None:
        """Mends everything that is there.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        with self._lock:
            for stream in self._streams:
                raw = self._finish(stream, self._raw_objects(stream))
                for start in range(0, len(raw), _MERGED):
                    some = raw[start : start + _MERGED]
                    self._merges[stream.name] = self._intention(stream, some)
                    self._notes.write(_note_key(stream), self._merges[stream.name])
                    self._mend(stream, some, self._merges[stream.name])

    def stop(self) -> None:
        """Ends; what is not mended stays raw."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def _run(self, period: float) -> None:
        while not self._stopped.wait(period):
            try:
                self.flush()
            except (BotoCoreError, ClientError) as error:
                self._faults.record(_PART, f"events do not reach the lake: {error}")
            else:
                self._faults.clear(_PART)

    def _raw_objects(self, stream: Stream) -> list[_Raw]:
        # By version: deleting without one would leave the content in a versioned bucket.
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=stream.bucket, Prefix=stream.raw_prefix()
        )
        pattern = stream.raw()
        found = [
            (version["LastModified"], version["Key"], version["VersionId"])
            for page in pages
            for version in page.get("Versions", [])
            if pattern.fullmatch(version["Key"])
        ]
        return [(key, version) for _, key, version in sorted(found)]

    def _finish(self, stream: Stream, raw: list[_Raw]) -> list[_Raw]:
        """Does again what was begun and not ended; gives the raw objects that are left."""
        if not raw:
            return raw
        if stream.name not in self._merges:
            self._merges[stream.name] = self._notes.read(_note_key(stream))
        merge = self._merges[stream.name]
        begun = set(merge["raw"]) if merge else set()
        # They are deleted all at once: while one is left, all are.
        unfinished = [entry for entry in raw if entry[0] in begun]
        if merge and unfinished:
            self._mend(stream, unfinished, merge)
        return [entry for entry in raw if entry[0] not in begun]

    def _intention(self, stream: Stream, raw: list[_Raw]) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        keys = [key for key, _ in raw]
        digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
        name = f"{stream.name}-1-{now:%Y-%m-%d-%H-%M-%S}-{digest}"
        return {
            "raw": keys,
            "key": expand(stream.prefix, now) + name + stream.extension,
            "error_key": expand(stream.error_prefix, now) + name,
            "at": now.timestamp(),
        }

    def _mend(self, stream: Stream, raw: list[_Raw], merge: Mapping[str, Any]) -> None:
        good: list[bytes] = []
        bad: list[bytes] = []
        for key, version in raw:
            answer = self._client.get_object(Bucket=stream.bucket, Key=key, VersionId=version)
            content = answer["Body"].read()
            try:
                good.append(self._processed(stream, content))
            except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
                bad.append(_failure(content, error, merge["at"]))
        body = b"".join(good)
        if body:
            content = gzip.compress(body, 6, mtime=0) if stream.compress else body
            self._client.put_object(Bucket=stream.bucket, Key=merge["key"], Body=content)
        if bad:
            self._client.put_object(
                Bucket=stream.bucket, Key=merge["error_key"], Body=b"".join(bad)
            )
        self._client.delete_objects(
            Bucket=stream.bucket,
            Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in raw], "Quiet": True},
        )

    def _processed(self, stream: Stream, content: bytes) -> bytes:
        plain = gzip.decompress(content) if stream.decompress else content
        if not stream.extract:
            return plain
        return "".join(f"{line}\n" for line in messages(plain, self._filters)).encode()


def _note_key(stream: Stream) -> str:
    return f"delivery/{stream.name}"


def _failure(content: bytes, error: Exception, at: float) -> bytes:
    record = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(at * 1000),
        "errorCode": "DataProcessing.Failed",
        "errorMessage": str(error),
        "rawData": base64.b64encode(content).decode(),
    }
    return json.dumps(record).encode() + b"\n"
