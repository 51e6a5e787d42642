"""A role is right where what is needed is granted, and nothing else; worked by hand."""

import fnmatch
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.grants.needs import Need
from infra.grants.policies import Grant, Role, covers, grants_of
from infra.grants.proof import faults_of
from topshelf.errors import TopshelfError

TABLE = "arn:aws:dynamodb:us-east-1:1:table/t"
GET = Need("dynamodb:GetItem", TABLE, "reads")
PUT = Need("dynamodb:PutItem", TABLE, "writes")


def role(*statements: dict[str, Any], managed: tuple[str, ...] = ()) -> Role:
    grants = tuple(grants_of({"Statement": list(statements)}, "R"))
    return Role("R", "arn:aws:iam::1:role/r", grants, managed)


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_a_role_that_grants_each_need_and_no_more_has_no_fault() -> None:
    right = role(allow(["dynamodb:GetItem", "dynamodb:PutItem"], TABLE))
    assert faults_of(right, [GET, PUT, GET]) == []


def test_each_need_that_is_not_granted_is_named_once() -> None:
    lacking = role(allow("dynamodb:GetItem", TABLE))
    assert faults_of(lacking, [GET, PUT, PUT]) == [
        f"R: dynamodb:PutItem on {TABLE} is not granted, and writes"
    ]


def test_the_right_action_on_another_resource_is_two_faults() -> None:
    other = role(allow("dynamodb:GetItem", TABLE + "2"))
    assert faults_of(other, [GET]) == [
        f"R: dynamodb:GetItem on {TABLE} is not granted, and reads",
        f"R: dynamodb:GetItem on {TABLE}2 is granted, and nothing needs it",
    ]


def test_a_denial_outweighs_every_grant() -> None:
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    assert faults_of(role(allow("dynamodb:GetItem", TABLE), deny), [GET]) == [
        f"R: dynamodb:GetItem on {TABLE} is denied, and reads"
    ]


def test_what_is_granted_twice_is_named_at_both_places() -> None:
    twice = role(allow("dynamodb:GetItem", TABLE), allow("dynamodb:GetItem", TABLE))
    assert faults_of(twice, [GET]) == [f"R: dynamodb:GetItem on {TABLE} is granted twice"] * 2


def test_a_pattern_of_actions_is_named_though_it_is_needed() -> None:
    assert faults_of(role(allow("dynamodb:Get*", TABLE)), [GET]) == [
        f"R: dynamodb:Get* on {TABLE} is granted: name each action"
    ]


def read(key: str) -> Need:
    return Need("s3:GetObject", f"arn:aws:s3:::b/{key}", "reads")


def test_a_pattern_of_resources_is_right_where_what_is_needed_differs_at_its_star() -> None:
    models = role(allow("s3:GetObject", "arn:aws:s3:::b/models/*"))
    assert faults_of(models, [read("models/1/a"), read("models/2/a")]) == []
    assert faults_of(models, [read("models/*")]) == []
    assert faults_of(models, [read("models/1/a"), read("models/1/b")]) == [
        "R: s3:GetObject on arn:aws:s3:::b/models/* is granted, "
        "and needed of arn:aws:s3:::b/models/1/ alone"
    ]


def test_a_pattern_above_all_that_is_needed_is_too_wide() -> None:
    whole = role(allow("s3:GetObject", "arn:aws:s3:::b/*"))
    (fault,) = faults_of(whole, [read("models/1/a"), read("models/2/a")])
    assert fault.endswith("and needed of arn:aws:s3:::b/models/ alone")


def test_a_reasoned_width_is_no_fault_until_it_is_no_longer_needed() -> None:
    reasoned = {("R", "s3:GetObject"): "another key each time"}
    models = role(allow("s3:GetObject", "arn:aws:s3:::b/models/*"))
    assert faults_of(models, [read("models/1/a")], reasoned) == []
    assert faults_of(models, [read("models/1/a"), read("models/2/a")], reasoned) == [
        "R: s3:GetObject is reasoned about for nothing"
    ]


def test_a_managed_policy_is_named() -> None:
    (fault,) = faults_of(role(managed=("arn:aws:iam::aws:policy/Admin",)), [])
    assert "has the policy arn:aws:iam::aws:policy/Admin" in fault


def test_a_need_of_many_is_covered_by_as_many_only() -> None:
    need = Need("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/x/*", "writes")
    assert covers(Grant("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/x/*"), need)
    assert covers(Grant("logs:PutLogEvents", "*"), need)
    assert not covers(Grant("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/x/?"), need)
    assert not covers(Grant("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/x/y"), need)


def test_actions_are_the_same_in_any_case_and_resources_are_not() -> None:
    assert covers(Grant("DynamoDB:getitem", TABLE), GET)
    assert not covers(Grant("dynamodb:GetItem", TABLE.upper()), GET)


@given(
    st.text(alphabet="ab/*?", max_size=8),
    st.text(alphabet="ab/", max_size=8),
)
def test_patterns_match_as_a_shells_do(pattern: str, text: str) -> None:
    found = covers(Grant("s3:GetObject", pattern), Need("s3:GetObject", text, ""))
    assert found == fnmatch.fnmatchcase(text, pattern)


KEYED = replace(PUT, context={"dynamodb:LeadingKeys": "lock"})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"StringEquals": {"dynamodb:LeadingKeys": "lock"}}, True),
        ({"StringEquals": {"dynamodb:LeadingKeys": ["a", "lock"]}}, True),
        ({"StringEquals": {"dynamodb:LeadingKeys": "other"}}, False),
        ({"StringLike": {"dynamodb:LeadingKeys": "l*"}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["lock"]}}, True),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["other"]}}, False),
        # Of a key that a request lacks, nothing equals, but all of its values do.
        ({"StringEquals": {"kms:ViaService": "x"}}, False),
        ({"ForAllValues:StringEquals": {"kms:ViaService": "x"}}, True),
        # Every operator has to hold.
        (
            {
                "StringLike": {"dynamodb:LeadingKeys": "l*"},
                "StringEquals": {"dynamodb:LeadingKeys": "x"},
            },
            False,
        ),
    ],
)
def test_a_condition_is_decided_by_what_the_request_says(
    condition: dict[str, Any], *, holds: bool
) -> None:
    (grant,) = role(allow("dynamodb:PutItem", TABLE, Condition=condition)).grants
    assert covers(grant, KEYED) == holds


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalTag/team": "x"}},
        {"DateLessThan": {"s3:prefix": "2026-01-01"}},
        {"ForAnyValue:StringEquals": {"s3:prefix": "x"}},
    ],
)
def test_a_condition_that_cannot_be_decided_is_refused(condition: dict[str, Any]) -> None:
    (grant,) = role(allow("dynamodb:PutItem", TABLE, Condition=condition)).grants
    with pytest.raises(TopshelfError, match="cannot decide"):
        covers(grant, KEYED)


def test_a_statement_by_what_it_leaves_out_is_refused() -> None:
    with pytest.raises(TopshelfError, match="NotAction"):
        role({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})
