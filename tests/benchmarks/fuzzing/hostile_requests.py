"""Requests to every route and beside it, from a seed: most of them wrong, some of them right."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.fuzzing.hostile_values import json_text, segment

__all__ = ["HostileRequest", "hostile_requests"]

_JSON = (b"content-type", b"application/json")
_PATHS = (
    "/v1/users/{}/recommendations",
    "/v1/items/{}/similar",
    "/v1/provenance/{}",
    "/v1/popular",
    "/v1/health",
    "/openapi.json",
    "/docs",
)
_STRAY = ("/{}", "/v1/{}", "/v1/users/{}", "/v1/popular/{}", "/v1/users/{}/recommendations/", "*")
_PARAMETERS = ("num_results", "context", "titles", "page", "limit", "", "user_id", "NUM_RESULTS")
_VALUES = (
    "1", "100", "0", "101", "-1", "25", "true", "maybe", "genre:Drama", "genre:", "Drama", "1.5",
    "NaN", "Infinity", "9" * 5_000, "1%00", "%0A1", "", "x" * 200,
)  # fmt: skip
_METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "POST", "GET")


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """One request; the target as on the wire."""

    method: str
    target: str
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = field(default=b"", repr=False)


def hostile_requests(
    rng: random.Random, count: int, viewers: Sequence[str], items: Sequence[str], answer_id: str
) -> Iterator[HostileRequest]:
    """Makes them.

    Args:
        rng: Decides everything.
        count: How many.
        viewers: Ids that the live model knows.
        items: The same.
        answer_id: A recommendation id that is good.
    """
    for number in range(count):
        kind = rng.random()
        if kind < 0.2:
            yield _post(rng, huge=number % 200 == 0)
        elif kind < 0.3:
            path = rng.choice(_PATHS + _STRAY).format(segment(rng))
            yield HostileRequest(rng.choice(_METHODS), path, _headers(rng))
        else:
            known = rng.random() < 0.5
            path = rng.choice(_PATHS)
            right = rng.choice(viewers if "users" in path else items)
            name = (answer_id if "provenance" in path else right) if known else segment(rng)
            query = _query(rng) if rng.random() < 0.8 else ""
            yield HostileRequest("GET", path.format(name) + query, _headers(rng))


def _query(rng: random.Random) -> str:
    pairs = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 40))):
        name = rng.choice(_PARAMETERS) if rng.random() < 0.85 else segment(rng)
        value = rng.choice(_VALUES) if rng.random() < 0.7 else segment(rng)
        pairs.append(name if rng.random() < 0.03 else f"{name}={value}")
    return "?" + "&".join(pairs)


def _headers(rng: random.Random) -> list[tuple[bytes, bytes]]:
    kinds: tuple[list[tuple[bytes, bytes]], ...] = (
        [(b"x-flood-%d" % n, b"v") for n in range(rng.choice((100, 600, 2_000)))],
        [(b"x-long", b"v" * rng.choice((5_000, 10_000, 12_000)))],
        [(b"x-same", b"v")] * 300,
        [(b"x-bytes", bytes(rng.randrange(128, 256) for _ in range(20)))],
        [(b"host", rng.choice((b"[::1]:80", b"a:b:c", b"x:y", b"[", b"\xff")))],
        [(b"!#$%&'*+-.^_`|~", b"v"), (b"cookie", b"=; a=\xff; ;;")],
        [(b"if-none-match", rng.choice((b"*", b'W/"x"', b'"' * 99, b"\xff")))],
    )
    return rng.choice(kinds) if rng.random() < 0.3 else []


def _post(rng: random.Random, *, huge: bool) -> HostileRequest:
    """A body that is no batch."""
    kind = rng.randrange(6)
    if huge:
        body = b'{"events": [' + b" " * rng.choice((900_000, 1_000_000, 7_000_000)) + b"]}"
    elif kind == 0:
        body = rng.randbytes(rng.randrange(200))
    elif kind == 1:
        body = b'{"events": ' + json_text(rng) + b"}"
    elif kind == 2:
        body = b'{"events": [], ' + json_text(rng) + b": 1}"
    elif kind == 3:
        body = b'{"events": [' + b",".join([b"{}"] * rng.choice((1, 500, 501, 3_000))) + b"]}"
    elif kind == 4:
        body = rng.choice((b"[", b'{"a":', b'"\\"', b"{")) * rng.choice((10, 100_000))
    else:
        body = json_text(rng)
    header = rng.choice((_JSON, _JSON, (b"content-type", b"\xff;"), (b"content-encoding", b"gzip")))
    query = _query(rng) if rng.random() < 0.1 else ""
    return HostileRequest("POST", f"/v1/events{query}", [header, *_headers(rng)], body)
