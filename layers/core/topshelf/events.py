"""The interaction: what a viewer did with an item, on the wire and in every store.

Field names follow Amazon Personalize's PutEvents and Interactions schema, in snake case.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from hashlib import blake2b
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError

from topshelf.errors import IntegrityError

__all__ = [
    "DEFAULT_POLICY",
    "EventPolicy",
    "Identifier",
    "Interaction",
    "Refusal",
    "activity_sort_key",
    "dedup_key",
    "encode_line",
    "parse_event",
    "parse_line",
    "parse_stored",
]

MAX_LINE_BYTES = 64 * 1024
"""A longer line is refused unread; a full impression of 100 long ids fits."""

EARLIEST_TIMESTAMP = 10**11
"""1973 in milliseconds. A smaller number is almost surely in seconds."""

Identifier = Annotated[
    str, Field(pattern=r"^[!-~]{1,256}$", description="printable ASCII, no spaces, 1..256")
]
_Timestamp = Annotated[int, Strict(), Field(ge=0, lt=10**14, description="UTC, milliseconds")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One event of one viewer with one item.

    Attributes:
        item_id: The item, printable ASCII without spaces, 1..256 characters.
        event_type: ``view``, ``watch``, ``rating``, or another type the policy allows.
        timestamp: When it happened, UTC, milliseconds since 1970.
        user_id: The viewer; may be missing before sign-in, then session_id is present.
        event_value: watch: fraction watched, 0..1; rating: on the policy's scale; else free.
        event_id: The client's own id of the event; a repeat of it is a duplicate.
        session_id: The session; its events join the user that signs in with it.
        recommendation_id: The answer that led to this event.
        impression: The items that were shown.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", allow_inf_nan=False, defer_build=True
    )

    item_id: Identifier
    event_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    timestamp: _Timestamp
    user_id: Identifier | None = None
    event_value: Annotated[float, Strict()] | None = None
    event_id: Identifier | None = None
    session_id: Identifier | None = None
    recommendation_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    impression: Annotated[tuple[Identifier, ...], Field(max_length=100)] = ()


_NAMES = ", ".join(part.name for part in fields(Interaction))
# Instead of pydantic's messages, by type, where those speak of Python rather than of JSON.
_MESSAGES = {
    "unexpected_keyword_argument": f"this is not a field of an event; those are {_NAMES}",
    "tuple_type": "Input should be a valid list",
    "string_unicode": "Input should be a string in UTF-8",
}


@dataclass(frozen=True, slots=True)
class EventPolicy:
    """What this deployment accepts beyond the shape of an interaction.

    Attributes:
        event_types: The accepted types.
        rating_min: Lowest rating of the platform's scale.
        rating_max: Highest rating of the platform's scale.
    """

    event_types: frozenset[str] = field(default=frozenset({"view", "watch", "rating"}))
    rating_min: float = 0.5
    rating_max: float = 5.0


DEFAULT_POLICY = EventPolicy()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event was not accepted.

    Attributes:
        field: The field at fault, ``body`` where none can be named.
        detail: What is wrong with it, for a person.
    """

    field: str
    detail: str


def parse_line(line: bytes, policy: EventPolicy = DEFAULT_POLICY) -> Interaction | Refusal:
    """Reads one JSON line.

    Args:
        line: UTF-8 JSON, at most 64 KiB.
        policy: What this deployment accepts.

    Returns:
        The interaction, or the reason why the line is none. Never raises for bad data.
    """
    if len(line) > MAX_LINE_BYTES:
        return Refusal("body", f"the line has {len(line)} bytes; at most {MAX_LINE_BYTES} are read")
    try:
        return _within_policy(_adapter().validate_json(line), policy)
    except ValidationError as error:
        return _refusal(error)


def parse_event(value: object, policy: EventPolicy = DEFAULT_POLICY) -> Interaction | Refusal:
    """Like parse_line, for a value that is already decoded from JSON."""
    if not isinstance(value, dict):
        return Refusal("body", "an event is an object")
    try:
        return _within_policy(_adapter().validate_python(value), policy)
    except ValidationError as error:
        return _refusal(error)


def encode_line(interaction: Interaction) -> bytes:
    """The interaction as one JSON line of the lake: absent fields left out, newline at the end."""
    return _adapter().dump_json(interaction, exclude_defaults=True) + b"\n"


def parse_stored(line: bytes) -> Interaction:
    """Reads back what encode_line wrote; the policy had its say when it came in.

    Raises:
        IntegrityError: The line is no interaction.
    """
    try:
        return _adapter().validate_json(line)
    except ValidationError as error:
        refusal = _refusal(error)
        raise IntegrityError(
            f"a stored event is damaged: {refusal.field}: {refusal.detail}"
        ) from error


def dedup_key(interaction: Interaction) -> str:
    """What makes two events the same: event_id, or without one user, item, type and timestamp.

    Returns:
        The event_id itself, or 32 hex digits that no event_id can equal by accident.
    """
    if interaction.event_id is not None:
        return interaction.event_id
    owner = interaction.user_id or f" {interaction.session_id}"
    text = f"{owner}\n{interaction.item_id}\n{interaction.event_type}\n{interaction.timestamp}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def activity_sort_key(interaction: Interaction) -> str:
    """``timestamp#event_id``, the time padded so that text order is time order."""
    return f"{interaction.timestamp:015d}#{dedup_key(interaction)}"


@cache
def _adapter() -> TypeAdapter[Interaction]:
    return TypeAdapter(Interaction)


def _within_policy(event: Interaction, policy: EventPolicy) -> Interaction | Refusal:
    if event.user_id is None and event.session_id is None:
        return Refusal("user_id", "user_id or session_id is required")
    if event.event_type not in policy.event_types:
        known = ", ".join(sorted(policy.event_types))
        return Refusal("event_type", f"{event.event_type!r} is not one of {known}")
    if event.timestamp < EARLIEST_TIMESTAMP:
        return Refusal(
            "timestamp", f"{event.timestamp} looks like seconds; send milliseconds since 1970"
        )
    value = event.event_value
    if event.event_type == "watch" and (value is None or not 0 <= value <= 1):
        return Refusal("event_value", f"{value} is not a watched fraction; send 0..1")
    if event.event_type == "rating" and (
        value is None or not policy.rating_min <= value <= policy.rating_max
    ):
        scale = f"{policy.rating_min:g}..{policy.rating_max:g}"
        return Refusal("event_value", f"{value} is not on the rating scale {scale}")
    return event


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    # An unknown field's name comes from the caller: bound it, and keep it printable.
    name = path.encode("unicode_escape").decode()[:100]
    return Refusal(name or "body", _MESSAGES.get(first["type"], first["msg"]))
