"""When a template and a service say the same, and when they do not."""

from typing import Any

import pytest

from infra.stack_check.differences import Gap, differences_in


def _paths(name: str, wanted: Any, found: Any) -> list[str]:
    return [path for path, _, _ in differences_in(name, wanted, found)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1024", 1024),
        (0.5, "0.5"),
        (True, "true"),
        ("1000", 1000.0),
        ({"a": 1}, {"a": 1, "default": 2}),
        ([{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 1}]),
        (["x"], ("x",)),
    ],
)
def test_the_same_in_other_words(wanted: Any, found: Any) -> None:
    assert _paths("P", wanted, found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "path"),
    [
        (True, False, "P"),
        (True, None, "P"),
        ("a", "A", "P"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "P.a.b"),
        ({"a": {"b": 1}}, {"a": None}, "P.a"),
        ({"a": {"b": 1}}, {}, "P.a"),
        ([1, 2], [1], "P"),
        ([1], [1, 2], "P"),
        ([1, 1], [1, 2], "P"),
        ([], None, "P"),
    ],
)
def test_a_difference_is_named_where_it_is(wanted: Any, found: Any, path: str) -> None:
    assert _paths("P", wanted, found) == [path]


def test_layers_come_in_order_and_tags_may_be_more() -> None:
    assert _paths("Layers", ["a", "b"], ["b", "a"]) == ["Layers"]
    assert _paths("Tags", [{"Key": "a"}], [{"Key": "b"}, {"Key": "a"}]) == []
    assert _paths("Tags", [{"Key": "a"}], [{"Key": "b"}]) == ["Tags"]


def test_documents_are_compared_whatever_their_form() -> None:
    wanted = {"Statement": [{"Action": ["s3:GetObject"], "Resource": ["b", "a"]}]}
    found = '{"Statement": {"Resource": ["a", "b"], "Action": "s3:GetObject"}}'
    assert _paths("PolicyDocument", wanted, found) == []
    # And whole: a statement more is a right more.
    more = '{"Statement": [{"Action": "s3:GetObject", "Resource": ["a", "b"]}, {"Action": "s3:*"}]}'
    assert _paths("PolicyDocument", wanted, more) == ["PolicyDocument"]


def test_a_gap_covers_what_is_below_it_and_nothing_beside_it() -> None:
    gap = Gap("T", "Lifecycle", "lost")
    assert gap.covers("T", "Lifecycle")
    assert gap.covers("T", "Lifecycle.Rules")
    assert not gap.covers("T", "LifecycleToo")
    assert not gap.covers("U", "Lifecycle")
    assert not gap.covers("T", "")
