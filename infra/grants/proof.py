"""The proof, both ways: all that is needed is granted, and nothing else is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from infra.grants.needs import Need
from infra.grants.policies import Grant, Role, covers

__all__ = ["WIDER", "faults_of", "needless", "too_wide", "ungranted"]

WIDER: Final[Mapping[tuple[str, str], str]] = {
    ("CheckDeploymentRole", "lambda:InvokeFunction"): "a version has a new number each time",
}
"""What is granted more widely than one run shows, by role and action, each with the reason."""


def faults_of(
    role: Role, needs: Sequence[Need], reasoned: Mapping[tuple[str, str], str] = WIDER
) -> list[str]:
    """What is wrong with a role, a sentence each; none where it grants what is needed and no more.

    Args:
        role: The role.
        needs: All that is done with it.
        reasoned: What may be granted more widely than needs show, by role and action.

    Raises:
        TopshelfError: A condition is not understood.
    """
    wide = list(too_wide(role, needs))
    actions = {grant.action for grant, _ in wide}
    stale = [key for key in reasoned if key[0] == role.name and key[1] not in actions]
    return [
        *ungranted(role, needs),
        *needless(role, needs),
        *(text for grant, text in wide if (role.name, grant.action) not in reasoned),
        *(f"{name}: {action} is reasoned about for nothing" for name, action in stale),
        *(f"{role.name}: has the policy {arn}: grant what is needed" for arn in role.managed),
    ]


def ungranted(role: Role, needs: Iterable[Need]) -> Iterator[str]:
    """What is needed and not granted, or denied."""
    for need in dict.fromkeys(needs):
        speaking = [grant for grant in role.grants if covers(grant, need)]
        asked = f"{role.name}: {need.action} on {need.resource}"
        if any(grant.effect == "Deny" for grant in speaking):
            yield f"{asked} is denied, and {need.why}"
        elif not speaking:
            yield f"{asked} is not granted, and {need.why}"


def needless(role: Role, needs: Sequence[Need]) -> Iterator[str]:
    """What is granted and not needed, granted twice, or granted by a pattern of actions."""
    users = _users(role, needs)
    for place, (grant, used) in enumerate(users):
        others = [other for i, (other, _) in enumerate(users) if i != place]
        said = f"{role.name}: {grant.action} on {grant.resource} is granted"
        if "*" in grant.action or "?" in grant.action:
            yield f"{said}: name each action"
        elif not used:
            yield f"{said}, and nothing needs it"
        elif all(any(covers(other, need) for other in others) for need in used):
            yield f"{said} twice"


def too_wide(role: Role, needs: Sequence[Need]) -> Iterator[tuple[Grant, str]]:
    """What is granted by a pattern of resources, and needed of fewer."""
    for grant, used in _users(role, needs):
        if used and (narrower := _narrower(grant, used)):
            said = f"{role.name}: {grant.action} on {grant.resource} is granted"
            yield grant, f"{said}, and needed of {narrower} alone"


def _users(role: Role, needs: Sequence[Need]) -> list[tuple[Grant, list[Need]]]:
    allowed = (grant for grant in role.grants if grant.effect == "Allow")
    return [(grant, [need for need in needs if covers(grant, need)]) for grant in allowed]


def _narrower(grant: Grant, used: Iterable[Need]) -> str | None:
    """What would do in place of a resource with a star; None if nothing is known to.

    The part behind the star's place, up to a slash or a colon, is the same in all that was asked
    for: then it could be written there.
    """
    start = grant.resource.find("*")
    if start < 0:
        return None
    heads = {_head(need.resource, start) for need in used}
    (head, *more) = sorted(heads)
    return None if more or "*" in head else head


def _head(resource: str, start: int) -> str:
    ends = [end for mark in "/:" if (end := resource.find(mark, start)) >= 0]
    return resource[: min(ends) + 1] if ends else resource
