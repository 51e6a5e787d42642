import json
from typing import Any

import pytest

from infra.local import event_pattern, log_pattern
from topshelf.errors import TopshelfError

LIVE = '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"origin":{"S":["live"]}}}}'


def record(name: str = "INSERT", **image: Any) -> dict[str, Any]:
    return {"eventName": name, "dynamodb": {"NewImage": image}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (record(origin={"S": "live"}), True),
        (record(origin={"S": "import"}), False),
        (record("MODIFY", origin={"S": "live"}), False),
        (record(), False),
        ({"eventName": "INSERT"}, False),
    ],
)
def test_the_templates_event_filter(value: Any, expected: bool) -> None:
    assert event_pattern.parse(LIVE)(value) is expected


@pytest.mark.parametrize(
    ("rule", "yes", "no"),
    [
        (["a", "b"], ["a", "b", ["x", "a"]], ["c", None, 1]),
        ([1], [1], [1.5, True, "1"]),
        ([None], [None], ["", 0]),
        ([{"prefix": "ab"}], ["abc"], ["cab", 1]),
        ([{"suffix": "c"}], ["abc"], ["cab"]),
        ([{"equals-ignore-case": "Ab"}], ["aB"], ["abc"]),
        ([{"exists": True}], ["", None], []),
        ([{"anything-but": ["a", "b"]}], ["c"], ["a"]),
        ([{"anything-but": {"prefix": "a"}}], ["ba"], ["ab"]),
        ([{"numeric": [">", 1, "<=", 3]}], [2, 3], [1, 4, "2", True]),
    ],
)
def test_event_filter_rules(rule: list[Any], yes: list[Any], no: list[Any]) -> None:
    matches = event_pattern.parse(json.dumps({"k": rule}))
    assert all(matches({"k": value}) for value in yes)
    assert not any(matches({"k": value}) for value in no)


def test_absent_keys() -> None:
    assert event_pattern.parse('{"k":[{"exists":false}]}')({})
    assert not event_pattern.parse('{"k":[{"exists":true}]}')({})
    assert not event_pattern.parse('{"k":[{"anything-but":"a"}]}')({})
    either = event_pattern.parse('{"$or":[{"a":[1]},{"b":[2]}]}')
    assert either({"b": 2})
    assert not either({"a": 2})


def test_one_filter_of_several_is_enough() -> None:
    matches = event_pattern.parse_all({"Filters": [{"Pattern": '{"a":[1]}'}, {"Pattern": LIVE}]})
    assert matches({"a": 1})
    assert event_pattern.parse_all(None)({"anything": 1})


@pytest.mark.parametrize(
    "pattern",
    ["nonsense", "[]", '{"k":"v"}', '{"k":[{"cidr":"10.0.0.0/8"}]}', '{"k":[{"numeric":["~",1]}]}'],
)
def test_event_filters_that_are_not_played_are_refused(pattern: str) -> None:
    with pytest.raises(TopshelfError, match="filter"):
        event_pattern.parse(pattern)


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ('{ $.recommendation_id = "*" }', '{"recommendation_id":"r"}', True),
        ('{ $.recommendation_id = "*" }', '{"recommendation_id":7}', False),
        ('{ $.recommendation_id = "*" }', '{"x":"recommendation_id"}', False),
        ('{ $.recommendation_id = "*" }', 'not "recommendation_id" json', False),
        ('{ $.a.b = "x*z" && $.c = "d" }', '{"a":{"b":"xyz"},"c":"d"}', True),
        ('{ $.a.b = "x*z" && $.c = "d" }', '{"a":{"b":"xy"},"c":"d"}', False),
        ('{ $.a.b = "x" }', '{"a":"b"}', False),
        ("", "anything", True),
    ],
)
def test_log_patterns(pattern: str, line: str, expected: bool) -> None:
    assert log_pattern.parse(pattern)(line) is expected


@pytest.mark.parametrize("pattern", ["ERROR", "{ $.a > 1 }", '{ $.a = "x" || $.b = "y" }'])
def test_log_patterns_that_are_not_played_are_refused(pattern: str) -> None:
    with pytest.raises(TopshelfError, match="log filter pattern"):
        log_pattern.parse(pattern)
