"""Values that nobody expects, as JSON text and as parts of an address; all from one seed."""

import json
import random
from urllib.parse import quote_from_bytes

__all__ = ["json_text", "segment", "word"]

_WORDS = (
    "", " ", "a b", "\n", "a\nb", "\0", "\x7f", "\u00e9", "\ufeff", "\U0001f3ac", "\ud800",
    "NaN", "null", "true", "-1", "1e400", "0x10", "--", "' OR 1=1 --", "../../etc/passwd", "%00",
    "%s%n", "${jndi:ldap://x}", "<script>", "__proto__", "x" * 257, "x" * 5_000, "?", "#", "a/b",
)  # fmt: skip
_NUMBERS = (
    "0", "-0", "-1", "1.5", "0.0", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity",
    "9" * 5_000, "-" + "9" * 5_000, "1." + "3" * 5_000, "9" * 25, "9" * 26, "2147483648",
    "9223372036854775808", "99999999999", "100000000000000", "1e15", "true", "false", "null",
)  # fmt: skip
_DEPTHS = (1, 17, 900, 12_000)


def word(rng: random.Random) -> str:
    """Text that no field takes, or hardly any."""
    if rng.random() < 0.6:
        return rng.choice(_WORDS)
    return "".join(chr(rng.choice((rng.randrange(256), rng.randrange(0xFFFF)))) for _ in range(8))


def json_text(rng: random.Random) -> bytes:
    """One value of JSON, or what looks like it."""
    kind = rng.randrange(8)
    if kind <= 2:
        return rng.choice(_NUMBERS).encode()
    if kind <= 4:
        return json.dumps(word(rng), ensure_ascii=rng.random() < 0.7).encode(
            "utf-8", "surrogatepass"
        )
    if kind == 5:
        return b'"' + bytes(byte for byte in rng.randbytes(6) if byte > 34 and byte != 92) + b'"'
    depth = rng.choice(_DEPTHS)
    if kind == 6:
        return b"[" * depth + b"1" + b"]" * depth
    return b'{"a":' * depth + b"1" + b"}" * depth


def segment(rng: random.Random) -> str:
    """Part of an address: percent-encoded well, badly or hardly at all; always of the wire."""
    kind = rng.randrange(4)
    if kind == 0:
        return quote_from_bytes(rng.randbytes(rng.randrange(1, 12)), safe="")
    if kind == 1:
        return "".join(chr(rng.randrange(33, 127)) for _ in range(rng.randrange(1, 12)))
    if kind == 2:
        return rng.choice(("%", "%%", "%zz", "%0", "%u0041", "%C0%AF", "%ED%A0%80", "%00", "%0A"))
    return quote_from_bytes(word(rng).encode("utf-8", "surrogatepass"), safe="")
