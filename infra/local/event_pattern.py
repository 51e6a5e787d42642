"""Filter patterns of event sources: which records a function is called with.

Reference: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from topshelf.errors import TopshelfError

__all__ = ["RecordFilter", "parse", "parse_all"]

RecordFilter = Callable[[Any], bool]

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# Distinct from null, which a pattern may ask for.
_ABSENT: Final = object()


def parse_all(criteria: Mapping[str, Any] | None) -> RecordFilter:
    """A test for records from a ``FilterCriteria``: one filter that matches is enough.

    Raises:
        TopshelfError: A pattern is none that the local cloud plays.
    """
    filters = [parse(entry["Pattern"]) for entry in (criteria or {}).get("Filters", [])]
    if not filters:
        return lambda _: True
    return lambda record: any(matches(record) for matches in filters)


def parse(pattern: str) -> RecordFilter:
    """A test for records from one pattern.

    Args:
        pattern: JSON.

    Raises:
        TopshelfError: It is not JSON, or not played.
    """
    try:
        tree = json.loads(pattern)
    except ValueError as error:
        raise TopshelfError(f"the event filter {pattern!r} is not JSON") from error
    if not isinstance(tree, dict):
        raise TopshelfError(f"the event filter {pattern!r} is no JSON object")
    return _node(tree)


def _node(tree: Mapping[str, Any]) -> RecordFilter:
    tests: list[tuple[str, RecordFilter]] = []
    alternatives: list[RecordFilter] = []
    for key, value in tree.items():
        if key == "$or" and isinstance(value, list):
            alternatives = [_node(branch) for branch in value]
        elif isinstance(value, dict):
            tests.append((key, _node(value)))
        elif isinstance(value, list) and value:
            tests.append((key, _any_of([_leaf(item) for item in value])))
        else:
            raise TopshelfError(f"the event filter's {key} must be a list or an object")

    def matches(record: Any) -> bool:
        here = record if isinstance(record, dict) else {}
        return all(test(here.get(key, _ABSENT)) for key, test in tests) and (
            not alternatives or any(branch(here) for branch in alternatives)
        )

    return matches


def _any_of(tests: list[RecordFilter]) -> RecordFilter:
    def matches(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return any(test(item) for item in values for test in tests)

    return matches


def _leaf(rule: Any) -> RecordFilter:
    if not isinstance(rule, dict):
        return lambda value: type(value) is type(rule) and value == rule
    if len(rule) != 1:
        raise TopshelfError(f"an event filter's rule has one operator, not {rule}")
    name, argument = next(iter(rule.items()))
    match name:
        case "exists":
            return lambda value: (value is not _ABSENT) is argument
        case "prefix" | "suffix" | "equals-ignore-case" if isinstance(argument, str):
            return _text(name, argument)
        case "anything-but":
            refused = _any_of(
                [_leaf(item) for item in (argument if isinstance(argument, list) else [argument])]
            )
            return lambda value: value is not _ABSENT and not refused(value)
        case "numeric":
            return _numeric(argument)
        case _:
            raise TopshelfError(f"the local cloud cannot play the event filter rule {rule}")


def _text(name: str, argument: str) -> RecordFilter:
    tests: Mapping[str, Callable[[str], bool]] = {
        "prefix": lambda value: value.startswith(argument),
        "suffix": lambda value: value.endswith(argument),
        "equals-ignore-case": lambda value: value.casefold() == argument.casefold(),
    }
    test = tests[name]
    return lambda value: isinstance(value, str) and test(value)


def _numeric(argument: Any) -> RecordFilter:
    signs, bounds = argument[::2], argument[1::2]
    if len(signs) != len(bounds) or not all(sign in _COMPARISONS for sign in signs):
        raise TopshelfError(f"the event filter's numeric {argument} is not sign, number, …")
    tests = [(_COMPARISONS[sign], bound) for sign, bound in zip(signs, bounds, strict=True)]

    def matches(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and all(compare(value, bound) for compare, bound in tests)

    return matches
