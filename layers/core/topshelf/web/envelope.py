"""The body of a request with events, read so that no event spoils another."""

import json
import re
from collections.abc import Mapping
from typing import Any

from topshelf.errors import InvalidInputError
from topshelf.web.problems import plain

__all__ = ["MAX_BODY_BYTES", "MAX_EVENTS", "read_envelope"]

MAX_EVENTS = 500
"""Events in one request."""

MAX_BODY_BYTES = 900_000
"""Of one request; its events fit one Firehose record (1,000 KiB)."""

_MAX_DIGITS = 25
_DEEPEST = 16  # levels; an event has two
# A string without its end reaches to the end of the text, so that nothing is read twice.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


def read_envelope(body: bytes) -> list[Any]:
    """The events of a request, decoded, not yet looked at.

    What spoils an event stays within it: bytes that are not UTF-8 become characters that no field
    takes, an integer beyond 25 digits becomes infinite, and what is nested beyond 16 levels is
    cut out where it would be too deep to read.

    Args:
        body: As it came.

    Raises:
        InvalidInputError: It is not JSON, too long, or not of the form ``{"events": [...]}``.
    """
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInputError(
            "body",
            f"the body has {len(body)} bytes; send at most {MAX_BODY_BYTES}, in several requests",
        )
    try:
        envelope = _decoded(body.decode("utf-8-sig", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("body", f"the body is not JSON: {plain(str(error))}") from error
    if not isinstance(envelope, Mapping) or "events" not in envelope:
        raise InvalidInputError("body", 'send an object with one field: {"events": [...]}')
    unknown = [str(name) for name in envelope if name != "events"]
    if unknown:
        name = plain(unknown[0]) or "body"
        raise InvalidInputError(name, f"{name!r} is not a field of a batch; send events alone")
    events = envelope["events"]
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        raise InvalidInputError("events", f"events is a list of 1 to {MAX_EVENTS} events")
    return events


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_bounded_int)
    except RecursionError:
        return json.loads(_cut(text), parse_int=_bounded_int)


def _bounded_int(digits: str) -> int | float:
    """An integer; a monstrous one becomes infinite, so that its event alone is refused."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


def _cut(text: str) -> str:
    """The text with null in the place of each list and object that is nested too deep."""
    kept, depth, resumed = [], 0, 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == _DEEPEST + 1:
                kept.append(text[resumed : token.start()])
        elif token[0] in ("]", "}"):
            if depth == _DEEPEST + 1:
                resumed = token.end()
                kept.append("null")
            depth -= 1
    if depth <= _DEEPEST:
        kept.append(text[resumed:])
    return "".join(kept)
