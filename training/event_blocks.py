"""Many lines at a time: what is surely an interaction is told by columns, the rest line by line.

A line is sure if it is written the plain way: known fields, each once, strings without escapes,
numbers of ordinary size. Of such a line Polars reads what topshelf.events.parse_line reads. Every
other line, good or bad, is not decided here.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from topshelf.events import MAX_LINE_BYTES, EventPolicy, Refusal

__all__ = ["LONGEST_LINE", "SureLines", "blocks_of", "sure_lines"]

LONGEST_LINE = 1 << 20
"""No more of a line is kept; one of 64 KiB is refused already."""

_BLOCK = 32 << 20

_PAIR = (
    r'"(?:user_id|item_id|session_id|event_id)": ?"[!#-\[\]-~]+"'
    r'|"event_type": ?"[a-z][a-z0-9_-]*"'
    r'|"recommendation_id": ?"[A-Za-z0-9_-]+"'
    # Twelve to fourteen digits are the times that an event may have.
    r'|"timestamp": ?[1-9][0-9]{11,13}'
    # At most fifteen digits: every way of reading decimals gives the same double.
    r'|"event_value": ?(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,9})?'
    r'|"impression": ?\[(?:"[!#-\[\]-~]+"(?:, ?"[!#-\[\]-~]+")*)?\]'
)
_PLAIN = rf"^\{{(?:{_PAIR})(?:, ?(?:{_PAIR}))*\}}$"

_LIMITS = {
    "user_id": 256,
    "item_id": 256,
    "session_id": 256,
    "event_id": 256,
    "event_type": 64,
    "recommendation_id": 40,
}
_NUMBERS = {"timestamp": pl.Int64(), "event_value": pl.Float64()}
_FIELDS: dict[str, pl.DataType] = {**dict.fromkeys(_LIMITS, pl.String()), **_NUMBERS}
_SHOWN = "impression"
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class SureLines:
    """The lines of a block that need no second look.

    Attributes:
        events: The interactions, by line; ``line`` (position in the block, uint32), and the fields
            of an event; ``impression``, a list of ids, where some event of the block has one.
        unsure: Positions of the lines to be looked at one by one, ascending.
        lines: Lines of the block.
    """

    events: pl.DataFrame
    unsure: list[int]
    lines: int


def blocks_of(packed: bytes) -> Iterator[bytes | Refusal]:
    """Unpacks an object into blocks of whole lines, some 32 MB each.

    A line of more than LONGEST_LINE may be cut to that length. The last line may lack its end.

    Args:
        packed: Gzipped lines.

    Yields:
        Blocks; last, a refusal if the object could not be unpacked to its end.
    """
    held = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            # read1 returns what was unpacked before damage is met; read would lose it.
            while piece := stream.read1(io.DEFAULT_BUFFER_SIZE):
                held += piece
                if len(held) < _BLOCK:
                    continue
                if not (end := held.rfind(b"\n") + 1):
                    _cut_line(held, stream)
                    end = held.rfind(b"\n") + 1
                if end:
                    yield bytes(held[:end])
                    del held[:end]
    except (EOFError, OSError, zlib.error) as error:
        end = held.rfind(b"\n") + 1
        if len(held) - end < LONGEST_LINE:
            del held[end:]  # a line that was not read to its end
        if held:
            yield bytes(held)
        yield Refusal("body", f"the object cannot be unpacked from here on: {error}")
        return
    if held:
        yield bytes(held)


def _cut_line(held: bytearray, stream: gzip.GzipFile) -> None:
    """Skips the rest of a line without end, so that it does not fill the memory."""
    del held[LONGEST_LINE:]
    while piece := stream.read1(io.DEFAULT_BUFFER_SIZE):
        if (end := piece.find(b"\n")) >= 0:
            held += piece[end:]
            return


def sure_lines(block: bytes, policy: EventPolicy) -> SureLines:
    """Reads what is surely an interaction.

    Args:
        block: Lines, as blocks_of gives them.
        policy: What this deployment accepts.
    """
    # Latin-1 has a character for each byte, and gives no plain line anything but itself.
    text = pl.Series("text", [block.decode("latin-1").removesuffix("\n")])
    lines = text.str.split("\n").explode().alias("text").to_frame().with_row_index("line")
    plain = lines.filter(
        pl.col("text").str.contains(_PLAIN) & (pl.col("text").str.len_bytes() < MAX_LINE_BYTES)
    )
    shown = f'"{_SHOWN}"'.encode() in block
    read = _read(block, plain, whole=len(plain) == len(lines), shown=shown)
    sure = plain.select("line", pl.col("text").str.count_matches('"', literal=True).alias("quotes"))
    sure = sure.hstack(read).filter(_acceptable(policy, shown=shown)).drop("quotes")
    unsure = lines["line"]
    if len(sure) == len(lines):
        return SureLines(sure, [], len(lines))
    return SureLines(
        sure, unsure.filter(~unsure.is_in(sure["line"].implode())).to_list(), len(lines)
    )


def _read(block: bytes, plain: pl.DataFrame, *, whole: bool, shown: bool) -> pl.DataFrame:
    schema = {**_FIELDS, _SHOWN: pl.List(pl.String())} if shown else _FIELDS
    if plain.is_empty():
        return pl.DataFrame(schema=schema)
    joined = block if whole else "\n".join(plain["text"].to_list()).encode()
    return pl.read_ndjson(io.BytesIO(joined), schema=schema)


def _acceptable(policy: EventPolicy, *, shown: bool) -> pl.Expr:
    value, kind = pl.col("event_value"), pl.col("event_type")
    scale = value.is_between(policy.rating_min, policy.rating_max).fill_null(value=False)
    quotes = [
        pl.col(name).is_not_null().cast(pl.UInt32) * (4 if name in _LIMITS else 2)
        for name in _FIELDS
    ]
    rules = []
    if shown:
        ids = pl.col(_SHOWN)
        quotes.append((ids.list.len() * 2 + 2).fill_null(0))
        longest = ids.list.eval(pl.element().str.len_bytes()).list.max().fill_null(0)
        rules = [ids.list.len().fill_null(0) <= _MOST_SHOWN, longest <= _LIMITS["item_id"]]
    rules += [
        # A field that is there twice has more quotes than what was read of it.
        pl.sum_horizontal(quotes) == pl.col("quotes"),
        *(pl.col(name).str.len_bytes().fill_null(0) <= most for name, most in _LIMITS.items()),
        *(pl.col(name).is_not_null() for name in ("item_id", "event_type", "timestamp")),
        pl.col("user_id").is_not_null() | pl.col("session_id").is_not_null(),
        kind.is_in(sorted(policy.event_types)),
        (kind != "watch") | value.is_between(0, 1).fill_null(value=False),
        (kind != "rating") | scale,
    ]
    return pl.all_horizontal(rules)
