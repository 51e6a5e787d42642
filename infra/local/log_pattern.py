"""CloudWatch Logs filter patterns, as far as the local cloud plays them.

Played: the empty pattern (every line), and JSON patterns of string comparisons joined by ``&&``:
``{ $.a = "x" && $.b.c = "y*" }``, where ``*`` stands for any text.

Reference: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from topshelf.errors import TopshelfError

__all__ = ["LineFilter", "parse"]

LineFilter = Callable[[str], bool]

_TERM: Final = re.compile(r'\$((?:\.[A-Za-z_][\w-]*)+)\s*=\s*"([^"]*)"')


def parse(pattern: str) -> LineFilter:
    """A test for lines.

    Args:
        pattern: The filter pattern.

    Raises:
        TopshelfError: The pattern is none that the local cloud plays.
    """
    text = pattern.strip()
    if not text:
        return lambda _: True
    if not (text.startswith("{") and text.endswith("}")):
        raise _unplayed(pattern)
    terms: list[tuple[list[str], re.Pattern[str]]] = []
    for part in text[1:-1].split("&&"):
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise _unplayed(pattern)
        value = ".*".join(map(re.escape, match[2].split("*")))
        terms.append((match[1][1:].split("."), re.compile(value, re.DOTALL)))
    words = [f'"{path[-1]}"' for path, _ in terms]

    def matches(line: str) -> bool:
        # Most lines that do not match are told without reading their JSON.
        if not all(word in line for word in words):
            return False
        try:
            record = json.loads(line)
        except ValueError:
            return False
        return all(_holds(record, path, value) for path, value in terms)

    return matches


def _holds(record: Any, path: list[str], value: re.Pattern[str]) -> bool:
    for key in path:
        if not isinstance(record, dict) or key not in record:
            return False
        record = record[key]
    return isinstance(record, str) and value.fullmatch(record) is not None


def _unplayed(pattern: str) -> TopshelfError:
    return TopshelfError(
        f"the local cloud cannot play the log filter pattern {pattern!r}: "
        'it knows { $.field = "text*" }, joined by &&'
    )
