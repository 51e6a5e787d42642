"""All that is done with each role of a stack: recorded calls, services, and the keys of both."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from infra.grants.calls import Call, needs_of_call
from infra.grants.keys import key_needs
from infra.grants.needs import Need, Place
from infra.grants.services import service_needs
from infra.grants.workflow import fans_out, job_roles
from infra.local.deploy import Resource
from topshelf.errors import TopshelfError

__all__ = ["IN_STEPS", "callers_of", "needed", "silent"]

IN_STEPS: Final = "-in-steps"
"""After the name of a job definition: the job, as a state machine runs it in steps."""


def callers_of(stack: Sequence[Resource]) -> dict[str, tuple[str, ...]]:
    """Who calls, by the name under which its calls are recorded, and the ARNs of its roles.

    Functions by their name, jobs by that of their definition. The job on Spark calls AWS through
    the adapters of the one in a container, and has a role of its own: both need what that calls.
    The steps of a job that fans out are recorded under a name of their own, for no Spark has them.
    """
    machines = [each for each in stack if each.type == "AWS::StepFunctions::StateMachine"]
    on_spark = tuple(role for machine in machines for role in job_roles(machine))
    in_steps = any(fans_out(machine) for machine in machines)
    found: dict[str, tuple[str, ...]] = {}
    for resource in stack:
        said = resource.properties
        if resource.type == "AWS::Lambda::Function":
            found[resource.physical_id] = (str(said["Role"]),)
        elif resource.type == "AWS::Batch::JobDefinition":
            role = str(said["ContainerProperties"]["JobRoleArn"])
            name = str(said["JobDefinitionName"])
            found[name] = (role, *on_spark)
            if in_steps:
                found[f"{name}{IN_STEPS}"] = (role,)
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
        for role in callers[call.caller]:
            found[role].extend(needs_of_call(call, place))
    return {role: [*needs, *key_needs(needs, stack, place)] for role, needs in found.items()}


def silent(stack: Sequence[Resource], calls: Iterable[Call]) -> Iterator[str]:
    """Callers of whom nothing was recorded, a sentence each: nothing is proven of them."""
    heard = {call.caller for call in calls}
    for caller in callers_of(stack):
        if caller not in heard:
            yield f"{caller}: no call of it was recorded: let the test run it"
