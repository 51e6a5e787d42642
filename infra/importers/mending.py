"""Lines of the quarantine, mended by a person and imported again."""

import json

from infra.importers import movielens, personalize
from infra.importers.csv_rows import csv_fields, of_width
from infra.importers.source import RefusedRow
from topshelf.events import MAX_LINE_BYTES, EventPolicy, Interaction, Refusal, parse_line

__all__ = ["read_mended"]

_KEYS = frozenset(("columns", "field", "line", "raw", "reason", "source"))
_NO_EVENT = Refusal(
    "columns",
    "these are no columns of events; mend the catalogue itself and import it with its events",
)


def read_mended(
    line: bytes, policy: EventPolicy, *, source: str, number: int
) -> Interaction | RefusedRow | None:
    """Reads the ``raw`` of a line as RefusedRow.encode writes it. Never raises for bad data.

    Args:
        line: One JSON line.
        policy: What the deployment accepts.
        source: The file that it stands in; counts where the line names none itself.
        number: Its number there; likewise.

    Returns:
        The event; or the refusal, which still says where the row first came from; or None where
        this is no line of the quarantine.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _KEYS.issuperset(value):
        return None
    raw, columns = value.get("raw"), value.get("columns", "")
    if not isinstance(raw, str) or not isinstance(columns, str):
        return None
    if isinstance(value.get("source"), str):
        source = value["source"]
    if type(value.get("line")) is int:
        number = value["line"]
    # A person may have written half of a surrogate pair, which is no text.
    content = raw.encode("utf-8", "backslashreplace")
    row = _row(raw, content, columns, policy)
    if not isinstance(row, Refusal):
        return row
    # The line of the quarantine may itself have been broken, refused, and mended.
    inner = None if columns else read_mended(content, policy, source=source, number=number)
    return inner or RefusedRow(row, source, number, content[:MAX_LINE_BYTES], columns)


def _row(raw: str, content: bytes, columns: str, policy: EventPolicy) -> Interaction | Refusal:
    if len(content) >= MAX_LINE_BYTES:
        return Refusal("body", f"the row was cut after {MAX_LINE_BYTES} bytes; write it anew")
    if not columns:
        return parse_line(content, policy)
    if columns == "::".join(movielens.RATING_COLUMNS):
        fields = of_width(raw.split("::"), len(movielens.RATING_COLUMNS))
        return movielens.to_rating(fields, policy)
    header = csv_fields(columns)
    names = [] if isinstance(header, Refusal) else [name.strip() for name in header]
    fields = of_width(csv_fields(raw), len(names))
    if isinstance(fields, Refusal):
        return fields
    return _by_columns(dict(zip(names, fields, strict=True)), policy)


def _by_columns(values: dict[str, str], policy: EventPolicy) -> Interaction | Refusal:
    if values.keys() >= set(movielens.RATING_COLUMNS):
        return movielens.to_rating([values[name] for name in movielens.RATING_COLUMNS], policy)
    upper = {name.upper(): value for name, value in values.items()}
    return (
        personalize.to_event(upper, policy) if personalize.has_events(upper.keys()) else _NO_EVENT
    )
