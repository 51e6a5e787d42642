"""Interactions for tests."""

from typing import Any

from topshelf.events import Interaction

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z in milliseconds."""


def interaction(user_id: str | None = "u1", item_id: str = "m1", **changes: Any) -> Interaction:
    """A view, at noon of 2026's first day unless told otherwise."""
    values: dict[str, Any] = {"event_type": "view", "timestamp": NOON} | changes
    return Interaction(user_id=user_id, item_id=item_id, **values)
