"""The grants of every role as a page, from the template alone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from infra.grants.blueprint import EVERYTHING, Blueprint, blueprint
from infra.grants.calls import IMPORT_REPORT
from infra.grants.needed import callers_of, needed
from infra.grants.needs import Need, Place
from infra.grants.policies import Grant, Role, covers, roles_of
from infra.grants.proof import WIDER

__all__ = ["page"]

_HEAD: Final = """\
# What each role may do

Written by `make grants` from template.yaml; `make check-grants` sees whether it is in step.

That each role needs what it is granted, and nothing else, is proven by
`tests/integration/test_grants.py`: it runs the platform, notes every call that a handler or the
training job makes of AWS, adds what AWS's own services do with the role, and compares both ways.

"Calls it" is what was seen there. Every other reason follows from how a resource is set up
(`services.py`, `function_services.py`, `workflow.py` and `keys.py` in `infra/grants`). "With" names
the parameters without which there is no such grant.
"""

# What stands for a value that is known only when a stack is deployed.
_PLACE: Final = Place(
    "${AWS::Region}", "${AWS::AccountId}", "${AWS::StackName}", "${AWS::Partition}"
)


def page(template: Path) -> str:
    """The page, for a template.

    Raises:
        TopshelfError: The template is not valid, or has what nobody has stated.
    """
    whole = _made(template, EVERYTHING)
    needs = needed(whole, [], _PLACE)
    withs = _withs(template)
    lines = [_HEAD]
    for role in sorted(roles_of(whole), key=lambda role: role.name):
        lines += [f"## {role.name}", "", _takers(role, whole), ""]
        lines += ["| may | on | with | because |", "|---|---|---|---|"]
        called = any(role.arn in roles for roles in callers_of(whole).values())
        rows = _rows(role, needs.get(role.arn, ()), withs, "calls it" if called else "**nothing**")
        lines += [*rows, ""]
    if WIDER:
        lines += ["## Wider than one run shows", ""]
        lines += [f"- {role}, {action}: {why}." for (role, action), why in sorted(WIDER.items())]
        lines.append("")
    return "\n".join(lines)


def _made(template: Path, parameters: Mapping[str, str]) -> Blueprint:
    shown = {name: f"${{{name}}}" for name in EVERYTHING if name != "Tracing"}
    chosen = {name: shown[name] for name in parameters if name in shown}
    return blueprint(template, _PLACE, parameters=parameters, shown=chosen)


def _withs(template: Path) -> dict[tuple[str, Grant], str]:
    """The fewest parameters with which each grant is there."""
    found: dict[tuple[str, Grant], str] = {}
    for size in range(len(EVERYTHING) + 1):
        for names in combinations(EVERYTHING, size):
            chosen = {name: EVERYTHING[name] for name in names}
            for role in roles_of(_made(template, chosen)):
                for grant in role.grants:
                    found.setdefault((role.name, grant), " and ".join(names))
    return found


def _takers(role: Role, stack: Blueprint) -> str:
    names = {r.physical_id: r.logical_id for r in stack if r.type == "AWS::Lambda::Function"}
    users = sorted(
        names.get(name, name) for name, arns in callers_of(stack).items() if role.arn in arns
    )
    by = ", ".join(role.trusted)
    return f"Taken by {by}, for {', '.join(users)}." if users else f"Taken by {by}."


def _rows(
    role: Role, needs: Sequence[Need], withs: Mapping[tuple[str, Grant], str], otherwise: str
) -> Iterator[str]:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for grant in role.grants:
        resource = f"`{grant.resource}`"
        if grant.condition:
            resource += f" if `{_condition(grant)}`"
        key = (resource, withs[role.name, grant], _because(grant, needs, otherwise))
        rows.setdefault(key, []).append(grant.action)
    for (resource, given, because), actions in rows.items():
        yield f"| {', '.join(sorted(actions))} | {resource} | {given} | {because} |"


def _condition(grant: Grant) -> str:
    said = json.loads(grant.condition)
    return " and ".join(
        f"{operator} {key} {json.dumps(value)}"
        for operator, keys in said.items()
        for key, value in keys.items()
    )


def _because(grant: Grant, needs: Sequence[Need], otherwise: str) -> str:
    reasons = dict.fromkeys(need.why for need in needs if covers(grant, need))
    if reasons:
        return "; ".join(reasons)
    if grant.action in IMPORT_REPORT:
        return "ImportTable, which it calls, writes its report with the caller's rights"
    if grant.action.startswith("kms:"):
        return "what it calls for is encrypted with the key of one's own"
    return otherwise
