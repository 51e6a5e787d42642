"""Roles of a stack and what their policies grant, action by action and resource by resource.

Semantics: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from infra.grants.needs import Need
from infra.local.deploy import Resource
from topshelf.errors import TopshelfError

__all__ = ["KNOWN_KEYS", "Grant", "Role", "covers", "grants_of", "roles_of"]

_STATEMENT: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}

KNOWN_KEYS: Final = frozenset(
    {
        "aws:SecureTransport",
        "dynamodb:LeadingKeys",
        "iam:PassedToService",
        "kms:ViaService",
        "s3:prefix",
    }
)
"""Condition keys whose values needs carry; what a policy asks beyond them is refused."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource, out of a statement.

    Attributes:
        action: May hold wildcards.
        resource: ARN, may hold wildcards.
        effect: What the statement says of it.
        condition: The statement's, as JSON; empty for none.
    """

    action: str
    resource: str
    effect: Literal["Allow", "Deny"] = "Allow"
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the stack.

    Attributes:
        name: Its logical id.
        arn: Its ARN.
        grants: Of its policies.
        managed: ARNs of policies that others keep.
        trusted: Services that may take the role.
    """

    name: str
    arn: str
    grants: tuple[Grant, ...]
    managed: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def roles_of(resources: Iterable[Resource]) -> list[Role]:
    """The roles among a stack's resources.

    Raises:
        TopshelfError: A policy stands apart from its role, or says what is not understood.
    """
    found = list(resources)
    for resource in found:
        if resource.type in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            raise TopshelfError(f"{resource.logical_id}: write a role's policies in the role")
    return [_role(resource) for resource in found if resource.type == "AWS::IAM::Role"]


def _role(resource: Resource) -> Role:
    properties = resource.properties
    statements = _listed(properties.get("AssumeRolePolicyDocument", {}).get("Statement", []))
    services = [_listed(s.get("Principal", {}).get("Service", [])) for s in statements]
    return Role(
        name=resource.logical_id,
        arn=str(resource.attributes["Arn"]),
        grants=tuple(
            grant
            for policy in properties.get("Policies", [])
            for grant in grants_of(policy["PolicyDocument"], resource.logical_id)
        ),
        managed=tuple(properties.get("ManagedPolicyArns", [])),
        trusted=tuple(sorted({str(name) for names in services for name in names})),
    )


def grants_of(document: Mapping[str, Any], owner: str) -> Iterator[Grant]:
    """What a policy document says, action by action and resource by resource.

    Args:
        document: The policy, its functions resolved.
        owner: Whose it is, for the error's text.

    Raises:
        TopshelfError: A statement has what is not understood, ``NotAction`` for one.
    """
    for statement in _listed(document["Statement"]):
        unknown = sorted(statement.keys() - _STATEMENT)
        if unknown:
            raise TopshelfError(f"{owner}: a statement has {', '.join(unknown)}: say it plainly")
        condition = statement.get("Condition")
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                written = json.dumps(condition, sort_keys=True) if condition else ""
                yield Grant(str(action), str(resource), statement["Effect"], written)


def covers(grant: Grant, need: Need) -> bool:
    """Whether a grant (or a denial) speaks of a need.

    Raises:
        TopshelfError: Its condition has an operator or a key that is not understood.
    """
    return (
        _glob(grant.action.lower()).fullmatch(need.action.lower()) is not None
        and _glob(grant.resource).fullmatch(need.resource) is not None
        and (not grant.condition or _holds(json.loads(grant.condition), need))
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], need: Need) -> bool:
    return all(
        _compared(operator, key, _listed(wanted), need.context.get(key))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compared(operator: str, key: str, wanted: list[Any], actual: str | None) -> bool:
    # A need has one value of a key: that all of them are wanted says the same as that it is.
    quantifier, _, plain = operator.rpartition(":")
    compare = _OPERATORS.get(plain) if quantifier in {"", "ForAllValues"} else None
    if compare is None or key not in KNOWN_KEYS:
        raise TopshelfError(
            f"a policy asks {operator} of {key}, which infra/grants/policies.py cannot decide"
        )
    if actual is None:
        return bool(quantifier)
    return any(compare(str(item), actual) for item in wanted)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    # A need may hold a star, which no question mark stands for.
    parts = {"*": ".*", "?": r"[^*]"}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringLike": lambda wanted, actual: _glob(wanted).fullmatch(actual) is not None,
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
