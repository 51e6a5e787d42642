"""What a data check found: which events, what is wrong with them, and what can be done."""

import json
from dataclasses import dataclass

import polars as pl

from topshelf.errors import InvalidInputError

__all__ = ["SHOWN", "Finding", "finding", "refuse"]

SHOWN = 5
"""Most events shown of each failed check."""

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A failed check.

    Attributes:
        check: Its name, of training.check_limits.CHECK_NAMES.
        field: The column at fault, ``events`` where it is no single one.
        told: What is wrong, for a person.
        remedy: What to do about it.
        rows: How many events are at fault; None where what is at fault are no events.
        examples: The first of them, at most 5, each printable.
    """

    check: str
    field: str
    told: str
    remedy: str
    rows: int | None = None
    examples: tuple[str, ...] = ()


def finding(
    events: pl.DataFrame, at_fault: pl.Expr, *, check: str, field: str, told: str, remedy: str
) -> Finding:
    """A finding with its rows: the oldest, so that they do not depend on the order of the frame.

    Args:
        events: The frame of events.
        at_fault: Which rows; null is no.
        check: See Finding.
        field: See Finding.
        told: See Finding.
        remedy: See Finding.
    """
    order = sorted(events.columns, key=lambda name: (name != "timestamp", name))
    bad = events.filter(at_fault)
    first = bad.lazy().sort(order, nulls_last=True).head(SHOWN).collect()
    return Finding(
        check=check,
        field=field,
        told=told,
        remedy=remedy,
        rows=len(bad),
        examples=tuple(_shown(row) for row in first.iter_rows(named=True)),
    )


def refuse(found: list[Finding], rows: int) -> None:
    """Stops the job if a check failed.

    Args:
        found: Every failed check, in the order to tell them.
        rows: Events in all.

    Raises:
        InvalidInputError: There is one; the text tells all of them, the field is theirs, or
            ``events`` where they differ.
    """
    if not found:
        return
    head = f"{len(found)} data check{'s' if len(found) > 1 else ''} failed; nothing was trained"
    fields = {one.field for one in found}
    raise InvalidInputError(
        fields.pop() if len(fields) == 1 else "events",
        "\n".join([head, *(_told(one, rows) for one in found)]),
    )


def _told(found: Finding, rows: int) -> str:
    count = "" if found.rows is None else f"; {found.rows:,} of {rows:,} events"
    lines = [f"  {found.check} ({found.field}{count}): {found.told}"]
    lines += [f"    {example}" for example in found.examples]
    return "\n".join([*lines, f"    what to do: {found.remedy}"])


def _shown(row: dict[str, object]) -> str:
    """The row as ASCII JSON without its empty fields; JSON escapes what cannot be printed."""
    values = {name: _bounded(value) for name, value in row.items() if value is not None}
    return json.dumps(values, default=str).replace("\x7f", "\\u007f")


def _bounded(value: object) -> object:
    if isinstance(value, str) and len(value) > _LONGEST_VALUE:
        return f"{value[:_LONGEST_VALUE]}… ({len(value)} characters)"
    return value
