"""What the local cloud has to remember of its own doings, in a bucket of the emulator.

There because it is kept, brought back and gone together with what it speaks of.
"""

import contextlib
import json
from typing import Any, Final, Protocol

__all__ = ["DEPLOYMENT", "SUFFIX", "BucketNotes", "Notes", "position_key"]

SUFFIX: Final = "-local-notes"
"""Of the bucket's name; before it comes the stack's."""

DEPLOYMENT: Final = "deployment"
"""The note of what is deployed."""


def position_key(table: str, function: str) -> str:
    """The note of how far an event source has come.

    Args:
        table: Whose stream it is.
        function: What is called.
    """
    return f"positions/{table}/{function}"


class Notes(Protocol):
    """Notes by key, each fit for JSON."""

    def read(self, key: str) -> Any:
        """The note; None where there is none."""

    def write(self, key: str, note: Any) -> None:
        """Replaces the note."""

    def delete(self, key: str) -> None:
        """Forgets the note, if there is one."""


class BucketNotes:
    """Notes in a bucket, which is made with the first.

    Args:
        client: Of S3.
        stack_name: Whose notes.
        region: AWS region.
    """

    def __init__(self, client: Any, stack_name: str, region: str) -> None:
        self._client = client
        self._bucket = f"{stack_name.lower()}{SUFFIX}"
        self._region = region

    def read(self, key: str) -> Any:
        """The note; None where there is none.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        missing = self._client.exceptions
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except (missing.NoSuchBucket, missing.NoSuchKey):
            return None
        return json.loads(answer["Body"].read())

    def write(self, key: str, note: Any) -> None:
        """Replaces the note.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        body = json.dumps(note, separators=(",", ":")).encode()
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        except self._client.exceptions.NoSuchBucket:
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
            more = {} if self._region == "us-east-1" else elsewhere
            self._client.create_bucket(Bucket=self._bucket, **more)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def delete(self, key: str) -> None:
        """Forgets the note, if there is one.

        Raises:
            ClientError: The emulator refuses it.
            BotoCoreError: The emulator does not answer.
        """
        with contextlib.suppress(self._client.exceptions.NoSuchBucket):
            self._client.delete_object(Bucket=self._bucket, Key=key)
