"""What the shares of the data found, told as one machine tells it of all data."""

import json
from collections.abc import Iterable
from math import isnan

from training.findings import SHOWN, Finding
from training.lake import EVENT_SCHEMA

__all__ = ["together"]

_ORDER = sorted(EVENT_SCHEMA, key=lambda name: (name != "timestamp", name))

type _Place = tuple[bool, bool, object]


def together(found: Iterable[Finding]) -> list[Finding]:
    """One finding for each thing that is wrong: rows added up, the oldest examples of all.

    Args:
        found: By shares. The same text is the same thing.

    Returns:
        In the order in which they are met. An example's values are compared as they are shown: of
        two longer than that, by what is shown of them.
    """
    by_text: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        by_text.setdefault((one.check, one.field, one.told), []).append(one)
    return [_one_of(parts) for parts in by_text.values()]


def _one_of(parts: list[Finding]) -> Finding:
    first = parts[0]
    examples = sorted((text for part in parts for text in part.examples), key=_age)
    return Finding(
        check=first.check,
        field=first.field,
        told=first.told,
        remedy=first.remedy,
        rows=sum(part.rows or 0 for part in parts),
        examples=tuple(examples[:SHOWN]),
    )


def _age(example: str) -> list[_Place]:
    """The place of an event among others, as training.findings.finding sorts them."""
    row = json.loads(example)
    return [_place(row.get(name)) for name in _ORDER]


def _place(value: object) -> _Place:
    """Values ascending, then what is not a number, then what is missing."""
    strange = isinstance(value, float) and isnan(value)
    return value is None, strange, 0 if strange or value is None else value
