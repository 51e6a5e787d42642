"""Firehose delivery as AWS does it, made from what the emulator writes.

moto writes each put at once as one object, plain, under the prefix as it stands in the template
(``events/dt=!{timestamp:yyyy-MM-dd}/``). Those raw objects are taken up about once a second, run
through the stream's processors, merged, and written as one object under the expanded prefix.
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

__all__ = ["Delivery", "messages"]

_PART: Final = "delivery"
# Bounds what one merged object takes in.
_MERGED: Final = 1000


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
        faults: Where an outage is noted.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        client: Any,
        streams: Iterable[Stream],
        filters: Mapping[str, LineFilter],
        faults: Faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._streams = list(streams)
        self._filters = filters
        self._faults = faults
        self._clock = clock
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        # Raw objects whose content is written: if deleting fails, only that is done again.
        self._written: set[tuple[str, str]] = set()

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
                raw = self._raw_objects(stream)
                for start in range(0, len(raw), _MERGED):
                    self._mend(stream, raw[start : start + _MERGED])

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

    def _raw_objects(self, stream: Stream) -> list[tuple[str, str]]:
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

    def _mend(self, stream: Stream, raw: list[tuple[str, str]]) -> None:
        new = [entry for entry in raw if entry not in self._written]
        now = datetime.fromtimestamp(self._clock(), UTC)
        good: list[bytes] = []
        bad: list[bytes] = []
        for key, version in new:
            answer = self._client.get_object(Bucket=stream.bucket, Key=key, VersionId=version)
            content = answer["Body"].read()
            try:
                good.append(self._processed(stream, content))
            except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
                bad.append(_failure(content, error, now))
        # The same raw objects give the same name: done twice it is one object.
        digest = hashlib.sha256("\n".join(key for key, _ in new).encode()).hexdigest()[:32]
        name = f"{stream.name}-1-{now:%Y-%m-%d-%H-%M-%S}-{digest}"
        body = b"".join(good)
        if body:
            content = gzip.compress(body, 6, mtime=0) if stream.compress else body
            key = expand(stream.prefix, now) + name + stream.extension
            self._client.put_object(Bucket=stream.bucket, Key=key, Body=content)
        if bad:
            key = expand(stream.error_prefix, now) + name
            self._client.put_object(Bucket=stream.bucket, Key=key, Body=b"".join(bad))
        self._written.update(new)
        self._client.delete_objects(
            Bucket=stream.bucket,
            Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in raw], "Quiet": True},
        )
        self._written.difference_update(raw)

    def _processed(self, stream: Stream, content: bytes) -> bytes:
        plain = gzip.decompress(content) if stream.decompress else content
        if not stream.extract:
            return plain
        return "".join(f"{line}\n" for line in messages(plain, self._filters)).encode()


def _failure(content: bytes, error: Exception, now: datetime) -> bytes:
    record = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(now.timestamp() * 1000),
        "errorCode": "DataProcessing.Failed",
        "errorMessage": str(error),
        "rawData": base64.b64encode(content).decode(),
    }
    return json.dumps(record).encode() + b"\n"
