"""Batches of events in which good ones stand among hostile ones, from a seed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.fuzzing.hostile_values import json_text, word

__all__ = ["MixedBatch", "mixed_batches"]

_FIELDS = (
    "user_id", "item_id", "event_type", "timestamp", "event_value", "event_id", "session_id",
    "recommendation_id", "impression",
)  # fmt: skip
_LINES = (
    b"null", b"5", b"[]", b'"event"', b"{}", b"NaN", b"true", b"-Infinity", b"9" * 5_000, b'{"":1}',
    b"[" * 12_000 + b"]" * 12_000,
)  # fmt: skip
_MOST_BYTES = 800_000


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """One body, and what must come of it.

    Attributes:
        body: As sent.
        size: Events in it.
        good: Good ones by their place in it.
    """

    body: bytes
    size: int
    good: dict[int, dict[str, Any]]


def mixed_batches(rng: random.Random, events: int, newest: int) -> Iterator[MixedBatch]:
    """Makes batches until they hold as many events.

    Args:
        rng: Decides everything.
        events: How many in all.
        newest: Time of the events, UTC, milliseconds; each is a little older.
    """
    made = batches = 0
    while made < events:
        size = min(rng.choice((1, 5, 20, 50, 120)), events - made)
        share = rng.choice((0.0, 0.3, 0.3, 0.9))
        viewer = f"fuzz{batches:04d}" if rng.random() < 0.7 else f"f{batches}/%+?#&=~!\"'{{}}"
        parts, good = [], {}
        for place in range(size):
            if rng.random() < share:
                event = _good(rng, viewer, f"good-{made + place}", newest - made - place)
                good[place] = event
                parts.append(json.dumps(event).encode())
            else:
                bad = _bad(rng, viewer, made + place, newest)
                room = _MOST_BYTES - sum(map(len, parts))
                parts.append(bad if len(bad) < room else b"null")
        gap = rng.choice((b",", b" ,\r\n\t "))
        yield MixedBatch(b'{"events": [' + gap.join(parts) + b"]}", size, good)
        made, batches = made + size, batches + 1


def _good(rng: random.Random, viewer: str, event_id: str, timestamp: int) -> dict[str, Any]:
    event: dict[str, Any] = {
        "item_id": f"m{rng.randrange(300):05d}",
        "event_type": rng.choice(("view", "watch", "rating")),
        "timestamp": timestamp,
        "event_id": event_id,
    }
    if event["event_type"] != "view" or rng.random() < 0.1:
        event["event_value"] = rng.choice((0.5, 1.0, 0.75))
    # Some come before sign-in: the lake alone keeps those.
    event["session_id" if rng.random() < 0.1 else "user_id"] = viewer
    if rng.random() < 0.1:
        event["impression"] = [f"m{n:05d}" for n in range(rng.randrange(1, 100))]
    return event


def _bad(rng: random.Random, viewer: str, number: int, newest: int) -> bytes:
    """Mostly bad: now and then the value put in happens to be one that is accepted."""
    if rng.random() < 0.2:
        return rng.choice(_LINES)
    event = _good(rng, viewer, f"odd-{number}", newest)
    spoilt = rng.choice(_FIELDS)
    if rng.random() < 0.15:
        event.pop(rng.choice(("item_id", "event_type", "timestamp")))
    elif rng.random() < 0.2:
        event[word(rng)] = 1
    event.pop(spoilt, None)
    text = json.dumps(event).encode()[:-1]
    return text + b', "' + spoilt.encode() + b'": ' + json_text(rng) + b"}"
