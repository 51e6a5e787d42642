"""How long an answer holds: ETag, Cache-Control and 304 (RFC 9110, RFC 9111).

Answers are for one caller (``private``): a shared cache would give one viewer's
``recommendation_id`` to another.
"""

from hashlib import sha256

from fastapi import Response

__all__ = ["ALWAYS_ASK", "A_DAY", "A_MINUTE", "NEVER", "etag_of", "is_current", "not_modified"]

NEVER = "no-store"
ALWAYS_ASK = "private, no-cache"
"""Kept, but asked for again each time: costs an empty 304 while nothing has changed."""

A_MINUTE = "private, max-age=60"
A_DAY = "private, max-age=86400, immutable"


def etag_of(content: bytes, *, weak: bool) -> str:
    """An entity tag of some content; weak where the bytes sent differ in what does not matter."""
    return f'{"W/" if weak else ""}"{sha256(content).hexdigest()[:32]}"'


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Whether a client's If-None-Match names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    known = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    wanted = etag.removeprefix("W/")
    return any(tag in (wanted, "*") for tag in known)


def not_modified(etag: str, cache_control: str) -> Response:
    """304: what the client has still holds."""
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache_control})
