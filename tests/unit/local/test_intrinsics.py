from typing import Any

import pytest

from infra.local.intrinsics import Resolver, creation_order, references
from topshelf.errors import TopshelfError

TEMPLATE = {
    "Mappings": {"Sizes": {"eu-west-1": {"Large": 10}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsSmall": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsSmall"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsSmall"}]},
        "Loop": {"Fn::Not": [{"Condition": "Pool"}]},
        "Pool": {"Fn::Not": [{"Condition": "Loop"}]},
    },
}


@pytest.fixture
def resolver() -> Resolver:
    made = Resolver(TEMPLATE, {"Stage": "dev", "AWS::Region": "eu-west-1", "Count": "3"})
    made.add("Bucket", "my-bucket", {"Arn": "arn:aws:s3:::my-bucket", "Nested.Id": "n"})
    return made


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Bucket"}, "my-bucket"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::my-bucket"),
        ({"Fn::GetAtt": "Bucket.Nested.Id"}, "n"),
        (
            {"Fn::Sub": "${Bucket}/${Bucket.Arn}/${AWS::Region}/${!Kept}"},
            "my-bucket/arn:aws:s3:::my-bucket/eu-west-1/${Kept}",
        ),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Bucket"}}]}, "my-bucket-dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-dev"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "x,y"]}]}, "y"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Large"]}, 10),
        ({"Fn::If": ["IsProd", 1, {"Ref": "Count"}]}, "3"),
        ({"a": [{"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, 2]}, {"a": [2]}),
        ({"gone": {"Ref": "AWS::NoValue"}, "kept": 0}, {"kept": 0}),
        # One key named Condition is an IAM statement's matter, not a function.
        ({"Condition": {"Bool": True}}, {"Condition": {"Bool": True}}),
    ],
)
def test_values(resolver: Resolver, value: Any, expected: Any) -> None:
    assert resolver.resolve(value) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("IsProd", False), ("IsSmall", True), ("Both", False), ("Either", True)]
)
def test_conditions(resolver: Resolver, name: str, expected: bool) -> None:
    assert resolver.holds(name) is expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Fn::Cidr": []}, "does not know Fn::Cidr"),
        ({"Ref": "Nobody"}, "Nobody"),
        ({"Fn::GetAtt": ["Bucket", "Colour"]}, "Bucket has no attribute Colour"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "Nobody"),
        ({"Fn::Select": [2, ["a"]]}, "item 2 of 1"),
        ({"Fn::FindInMap": ["Sizes", "mars", "Large"]}, "Sizes.mars.Large"),
        ({"Fn::If": ["Unheard", 1, 2]}, "Unheard"),
        ({"Fn::If": ["Loop", 1, 2]}, "Loop → Pool → Loop"),
    ],
)
def test_what_cannot_be_resolved_is_named(resolver: Resolver, value: Any, words: str) -> None:
    with pytest.raises(TopshelfError, match=words):
        resolver.resolve(value)


def test_references_are_found_wherever_they_are() -> None:
    value = {
        "a": [{"Ref": "A"}, {"Fn::GetAtt": ["B", "Arn"]}],
        "b": {"Fn::Sub": ["${C.Arn}${Own}${!D}", {"Own": {"Ref": "E"}}]},
        "c": {"Fn::If": ["X", {"Ref": "F"}, "no"]},
    }
    assert sorted(references(value)) == ["A", "B", "C", "E", "F"]


def test_resources_come_behind_what_they_need() -> None:
    order = creation_order(
        {
            "Last": {"Properties": {"x": {"Ref": "Middle"}}},
            "Middle": {"Properties": {"x": {"Fn::Sub": "${First.Arn}"}}, "DependsOn": ["Other"]},
            "First": {},
            "Other": {"DependsOn": "First"},
        }
    )
    assert order == ["First", "Other", "Middle", "Last"]


def test_resources_that_need_each_other_are_named() -> None:
    circle = {
        "A": {"Properties": {"x": {"Ref": "B"}}},
        "B": {"Properties": {"x": {"Ref": "A"}}},
    }
    with pytest.raises(TopshelfError, match=r"A → B|B → A"):
        creation_order(circle)
