"""The id of an answer: opaque to clients, signed, and short enough to come back in an event.

30 bytes, as 40 base64url characters (Amazon Personalize's limit for recommendationId):
time 5, hash of the version 6, slot and tier 1, variants 2, nonce 4, HMAC-SHA256 12.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from topshelf.errors import InvalidInputError

__all__ = ["RecommendationId", "sign", "verify"]

SLOTS = ("champion", "challenger")
# New ones go to the end: ids that were given out keep their meaning.
TIERS = ("own", "previous", "popular_in_context", "popular", "baked", "similar")
# Milliseconds since this moment fit 5 bytes until 2054.
EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
NO_VARIANT = 255

_LAST_TIME = (1 << 40) - 1
_SPELLING = re.compile(r"[A-Za-z0-9_-]{40}")


@dataclass(frozen=True, slots=True)
class RecommendationId:
    """What an id says.

    Attributes:
        time_ms: When the answer was given, UTC milliseconds.
        version_hash: See topshelf.manifest.version_hash.
        slot: ``champion`` or ``challenger``.
        tier: Fallback tier that answered.
        variants: Index of the variant in up to two experiments, 255 for none.
    """

    time_ms: int
    version_hash: bytes
    slot: str
    tier: str
    variants: tuple[int, int] = (NO_VARIANT, NO_VARIANT)


def sign(said: RecommendationId, nonce: bytes, key: bytes) -> str:
    """The id as 40 base64url characters.

    Args:
        said: What it says.
        nonce: 4 random bytes, so that two answers in one millisecond differ.
        key: The signing key, at least 32 bytes.
    """
    body = b"".join(
        (
            # A clock gone wrong must not cost the answer: the time is held at the ends.
            min(max(said.time_ms - EPOCH_MS, 0), _LAST_TIME).to_bytes(5, "big"),
            said.version_hash,
            bytes([SLOTS.index(said.slot) << 4 | TIERS.index(said.tier)]),
            bytes(said.variants),
            nonce,
        )
    )
    return urlsafe_b64encode(body + _mac(body, key)).decode()


def verify(text: str, keys: Sequence[bytes]) -> RecommendationId:
    """Reads an id back.

    Args:
        text: 40 base64url characters.
        keys: Accepted keys: the current one, and the one before while it rotates.

    Raises:
        InvalidInputError: No key signed it.
    """
    # The decoder skips what is not of its alphabet: an id has one spelling only.
    raw = urlsafe_b64decode(text) if _SPELLING.fullmatch(text) else b""
    body, mac = raw[:18], raw[18:]
    if not raw or not any(hmac.compare_digest(mac, _mac(body, key)) for key in keys):
        raise InvalidInputError("recommendation_id", "this id was not given out here")
    return RecommendationId(
        time_ms=int.from_bytes(body[:5], "big") + EPOCH_MS,
        version_hash=body[5:11],
        slot=SLOTS[body[11] >> 4],
        tier=TIERS[body[11] & 15],
        variants=(body[12], body[13]),
    )


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, sha256)[:12]
