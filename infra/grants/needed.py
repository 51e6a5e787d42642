"""All that is done with each role of a stack: recorded calls, services, and the keys of both."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from infra.grants.calls import Call, needs_of_call
from infra.grants.keys import key_needs
from infra.grants.needs import Need, Place
from infra.grants.services import service_needs
from infra.local.deploy import Resource
from topshelf.errors import TopshelfError

__all__ = ["callers_of", "needed", "silent"]


def callers_of(stack: Iterable[Resource]) -> dict[str, str]:
    """Who calls, by the name under which its calls are recorded, and the ARN of its role.

    Functions by their name, jobs by that of their definition.
    """
    found = {}
    for resource in stack:
        said = resource.properties
        if resource.type == "AWS::Lambda::Function":
            found[resource.physical_id] = str(said["Role"])
        elif resource.type == "AWS::Batch::JobDefinition":
            found[str(said["JobDefinitionName"])] = str(said["ContainerProperties"]["JobRoleArn"])
    return found


def needed(
    stack: Sequence[Resource], calls: Iterable[Call], place: Place
) -> Mapping[str, Sequence[Need]]:
    """All that is done with each role, by the role's ARN.

    Args:
        stack: Its resources, resolved.
        calls: What was recorded.
        place: Where the stack is.

    Raises:
        TopshelfError: A call or a task is of a kind that nobody has stated, or a caller unknown.
    """
    found: defaultdict[str, list[Need]] = defaultdict(list, service_needs(stack, place))
    callers = callers_of(stack)
    for call in calls:
        if call.caller not in callers:
            raise TopshelfError(f"{call.caller} calls AWS, and is none of the stack's")
        found[callers[call.caller]].extend(needs_of_call(call, place))
    return {role: [*needs, *key_needs(needs, stack, place)] for role, needs in found.items()}


def silent(stack: Iterable[Resource], calls: Iterable[Call]) -> Iterator[str]:
    """Callers of whom nothing was recorded, a sentence each: nothing is proven of them."""
    heard = {call.caller for call in calls}
    for caller in callers_of(stack):
        if caller not in heard:
            yield f"{caller}: no call of it was recorded: let the test run it"
