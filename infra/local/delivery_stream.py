"""Delivery streams of the template: where they write, under which prefix, and what they process.

Reference: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from topshelf.errors import TopshelfError

__all__ = ["Stream", "expand", "stream_of"]

_EXPRESSION: Final = re.compile(r"!\{([^}]*)\}")
_TIME_WORDS: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_TIME_PATTERN: Final = re.compile("yyyy|MM|dd|HH|mm|ss|[a-zA-Z]+|[^a-zA-Z]+")
_DEFAULT_PREFIX: Final = "!{timestamp:yyyy/MM/dd/HH}/"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class Stream:
    """A delivery stream of the template.

    Attributes:
        name: Its name.
        bucket: Where it writes.
        prefix: As in the template.
        error_prefix: As in the template.
        extension: Of file names, ``.jsonl.gz``.
        compress: Whether objects are gzipped.
        decompress: Whether records are gunzipped first.
        extract: Whether records are CloudWatch Logs payloads of which the messages are kept.
    """

    name: str
    bucket: str
    prefix: str
    error_prefix: str
    extension: str
    compress: bool
    decompress: bool
    extract: bool

    def raw(self) -> re.Pattern[str]:
        """What the keys of the emulator's raw objects look like."""
        # moto closes a prefix with a slash, and its names end with a UUID, ours never.
        prefix = re.escape(self.raw_prefix())
        return re.compile(rf"{prefix}(?:\d+/){{4}}{re.escape(self.name)}-.*{_UUID}")

    def raw_prefix(self) -> str:
        """The prefix of the emulator's raw objects."""
        return self.prefix if not self.prefix or self.prefix.endswith("/") else f"{self.prefix}/"


def stream_of(name: str, properties: Mapping[str, Any]) -> Stream:
    """A delivery stream from its resolved properties.

    Raises:
        TopshelfError: It asks for what the local cloud does not play.
    """
    target = properties.get("ExtendedS3DestinationConfiguration")
    if target is None:
        raise TopshelfError(f"delivery stream {name}: only an extended S3 destination is played")
    compression = target.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in ("GZIP", "UNCOMPRESSED"):
        raise TopshelfError(f"delivery stream {name}: {compression} is not played")
    processing = target.get("ProcessingConfiguration", {})
    processors = {
        processor["Type"]: {
            p["ParameterName"]: str(p["ParameterValue"]) for p in processor.get("Parameters", [])
        }
        for processor in (processing.get("Processors", []) if processing.get("Enabled") else [])
    }
    unknown = sorted(processors.keys() - {"Decompression", "CloudWatchLogProcessing"})
    if unknown:
        raise TopshelfError(f"delivery stream {name}: {', '.join(unknown)} is not played")
    extraction = processors.get("CloudWatchLogProcessing", {}).get("DataMessageExtraction", "")
    stream = Stream(
        name=name,
        bucket=target["BucketARN"].split(":")[-1],
        prefix=target.get("Prefix", ""),
        error_prefix=target.get("ErrorOutputPrefix", ""),
        extension=target.get("FileExtension", ".gz" if compression == "GZIP" else ""),
        compress=compression == "GZIP",
        decompress="Decompression" in processors,
        extract=extraction.lower() == "true",
    )
    # Refused here rather than when the first record comes.
    for prefix in (stream.prefix, stream.error_prefix):
        expand(prefix, datetime.now(UTC))
    return stream


def expand(prefix: str, now: datetime, error_type: str = "processing-failed") -> str:
    """A prefix with its expressions replaced.

    Args:
        prefix: As in the template; without expressions it gains the default one.
        now: Time of arrival, UTC.
        error_type: What ``!{firehose:error-output-type}`` becomes.

    Raises:
        TopshelfError: An expression is none that the local cloud plays.
    """
    whole = prefix if "!{" in prefix else prefix + _DEFAULT_PREFIX

    def replace(match: re.Match[str]) -> str:
        namespace, _, pattern = match[1].partition(":")
        if namespace == "timestamp":
            return now.astimezone(UTC).strftime(_strftime(pattern, prefix))
        if match[1] == "firehose:error-output-type":
            return error_type
        raise TopshelfError(f"the local cloud cannot play !{{{match[1]}}} in the prefix {prefix}")

    return _EXPRESSION.sub(replace, whole)


def _strftime(pattern: str, prefix: str) -> str:
    out = []
    for word in _TIME_PATTERN.findall(pattern):
        if word[0].isalpha() and word not in _TIME_WORDS:
            raise TopshelfError(f"the local cloud cannot play {pattern!r} in the prefix {prefix}")
        out.append(_TIME_WORDS.get(word, word))
    return "".join(out)
