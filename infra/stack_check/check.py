"""Every resource of a deployed template, asked through its own service.

CloudFormation's word is not taken: emulators say CREATE_COMPLETE of resources, and of properties,
that they never made. The template is the wish; what each service answers is the fact.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.intrinsics import Resolver, creation_order
from infra.stack_check.differences import WHOLE, Difference, Gap, differences_in
from infra.stack_check.placeholders import Placeholders
from infra.stack_check.readers import READERS
from infra.stack_check.services import Found, Services

__all__ = ["Examination", "check_stack", "examine_stack", "standing"]

# What SAM appends to the names of layers and versions: it depends on where the code lies.
_DIGEST: Final = re.compile(r"[0-9a-f]{10}$")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was looked at, and what is not as the template says.

    Attributes:
        compared: Type and property of every comparison, top-level properties alone.
        resources: Number of resources.
        differences: Without those that a known gap explains.
        explained: Those that it does.
    """

    compared: tuple[tuple[str, str], ...]
    resources: int
    differences: list[Difference]
    explained: list[Difference]


def check_stack(
    services: Services,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    resources: Mapping[str, str],
    *,
    stack_name: str,
    gaps: Iterable[Gap] = (),
) -> list[Difference]:
    """Compares a deployed stack with its template; empty when all is as it should be.

    Arguments and errors are ``examine_stack``'s.
    """
    return examine_stack(
        services, template, parameters, resources, stack_name=stack_name, gaps=gaps
    ).differences


def examine_stack(
    services: Services,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    resources: Mapping[str, str],
    *,
    stack_name: str,
    gaps: Iterable[Gap] = (),
) -> Examination:
    """Compares a deployed stack with its template.

    Args:
        services: Where the stack is.
        template: Plain CloudFormation, intrinsic functions in their long form.
        parameters: The value of each of its parameters.
        resources: Physical ids by logical id, as CloudFormation (or the deployer) gives them.
        stack_name: Name of the stack.
        gaps: Differences that the emulator is known for. One that does not occur any more, though
            the template has its property, is a difference itself: it has to be taken off the list.

    Raises:
        TopshelfError: A function of the template is unknown, or names something that is not there.
    """
    resolver = Resolver(template, _values(services, parameters, stack_name))
    wanted = {
        logical_id: said
        for logical_id, said in template["Resources"].items()
        if "Condition" not in said or resolver.holds(said["Condition"])
    }
    compared: list[tuple[str, str]] = []
    differences: list[Difference] = []
    for logical_id in creation_order(wanted):
        kind = wanted[logical_id]["Type"]
        said = resolver.resolve(wanted[logical_id].get("Properties", {}))
        physical_id = _physical_id(logical_id, kind, resources, template)
        found, fault = _read(services, kind, physical_id, said)
        if found is None:
            differences.append(Difference(logical_id, kind, WHOLE, "it is there", fault))
            resolver.add(logical_id, physical_id or f"<no {logical_id}>", Placeholders(logical_id))
            continue
        resolver.add(logical_id, found.physical_id or physical_id or "", found.attributes)
        compared += [(kind, name) for name in said if name not in READERS[kind].unread]
        differences += [
            Difference(logical_id, kind, *difference)
            for difference in _compare(found, said, READERS[kind].unread)
        ]
    return _judge(compared, len(wanted), differences, tuple(gaps))


def standing(services: Services, stack_name: str) -> dict[str, str]:
    """The physical ids of a stack's resources by logical id, as CloudFormation lists them."""
    listed = services.every(
        "cloudformation",
        "list_stack_resources",
        "StackResourceSummaries",
        StackName=stack_name,
    )
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in listed}


def _values(services: Services, parameters: Mapping[str, str], stack_name: str) -> dict[str, str]:
    return {
        **parameters,
        "AWS::AccountId": services.account_id,
        "AWS::Partition": "aws",
        "AWS::Region": services.region,
        "AWS::StackId": services.arn("cloudformation", f"stack/{stack_name}"),
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _physical_id(
    logical_id: str, kind: str, resources: Mapping[str, str], template: Mapping[str, Any]
) -> str | None:
    """The resource's own id, or that of the only one whose name differs in SAM's digest alone."""
    if logical_id in resources or not _DIGEST.search(logical_id):
        return resources.get(logical_id)
    stem = logical_id[:-10]
    alike = [
        name
        for name in resources
        if _DIGEST.sub("", name) == stem
        and template["Resources"].get(name, {}).get("Type") in (None, kind)
    ]
    return resources[alike[0]] if len(alike) == 1 else None


def _read(
    services: Services, kind: str, physical_id: str | None, said: Mapping[str, Any]
) -> tuple[Found | None, str]:
    if kind not in READERS:
        return None, "nothing here reads resources of this type"
    if not physical_id:
        return None, "not among the stack's resources"
    try:
        return READERS[kind].read(services, physical_id, said), "no such resource"
    except (BotoCoreError, ClientError) as error:
        return None, f"cannot be read: {error}"


def _compare(
    found: Found, said: Mapping[str, Any], unread: Mapping[str, str]
) -> Iterator[tuple[str, Any, Any]]:
    for name, value in said.items():
        if name in unread:
            continue
        if name not in found.properties:
            yield name, value, "nothing here reads it"
            continue
        there = found.properties[name]
        try:
            actual = there() if callable(there) else there
        except (BotoCoreError, ClientError) as error:
            yield name, value, f"cannot be read: {error}"
            continue
        yield from differences_in(name, value, actual)


def _judge(
    compared: list[tuple[str, str]],
    resources: int,
    differences: list[Difference],
    gaps: tuple[Gap, ...],
) -> Examination:
    explained = [d for d in differences if any(gap.covers(d.type, d.property) for gap in gaps)]
    others = [d for d in differences if d not in explained]
    looked_at = set(compared)
    for gap in gaps:
        occurs = any(gap.covers(d.type, d.property) for d in explained)
        if not occurs and (gap.type, gap.property.split(".")[0]) in looked_at:
            text = "as the template says: take the gap off the list"
            others.append(Difference("(known gap)", gap.type, gap.property, gap.reason, text))
    return Examination(tuple(compared), resources, others, explained)
