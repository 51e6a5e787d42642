"""The recorded events, and what of them belongs to the platform that they were recorded on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["events_of", "request_of", "requests", "told_anew", "without_signature"]

HERE = Path(__file__).parent

_SIGNATURE = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


def events_of(function: str) -> dict[str, dict[str, Any]]:
    """Events of a function by name; none for one without a folder."""
    return {path.stem: json.loads(path.read_text()) for path in (HERE / function).glob("*.json")}


def requests() -> dict[str, dict[str, Any]]:
    """Recorded HTTP requests, by route."""
    everything = (events_of(folder.name) for folder in HERE.iterdir() if folder.is_dir())
    return {
        event["routeKey"]: event
        for events in everything
        for event in events.values()
        if "routeKey" in event
    }


def request_of(event: Mapping[str, Any]) -> tuple[str, str, Any]:
    """Method, path with query, and decoded body of an event of the HTTP API."""
    query = event.get("rawQueryString")
    path = f"{event['rawPath']}?{query}" if query else event["rawPath"]
    body = event.get("body")
    return event["requestContext"]["http"]["method"], path, json.loads(body) if body else None


def told_anew[T](event: T, changed: Mapping[str, str]) -> T:
    """An event with the names of another platform, wherever they stand in it."""
    text = json.dumps(event)
    for old, new in changed.items():
        text = text.replace(old, new)
    return json.loads(text)  # type: ignore[no-any-return]


def without_signature(event: dict[str, Any]) -> dict[str, Any]:
    """A recorded request without what would be nobody's business, were the keys real ones."""
    kept = {k: v for k, v in event["headers"].items() if k.lower() not in _SIGNATURE}
    return event | {"headers": kept}
