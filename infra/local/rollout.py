"""From one deployment to the next: what changed, and what becomes of what is no longer wanted.

Resources that the newer template has no more, or replaces, are removed, but for those whose
DeletionPolicy or UpdateReplacePolicy, in the template that deployed them, retains them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from infra.local.deploy import Deployment, Resource
from infra.local.event_source import event_source_of
from infra.local.notes import DEPLOYMENT, Notes
from infra.local.provision import CREATORS, Context
from infra.local.provision.base import code_of

__all__ = ["Changes", "changes_of", "last_deployment", "settle", "sweep"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a deployment changed, by logical id, each with its type.

    Attributes:
        added: New.
        changed: Brought up to date.
        replaced: Made anew under another name.
        removed: Gone.
        retained: No longer of the deployment, but still there, and why.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retained: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For people, a line a kind of change; none where nothing changed."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [f"{name}: {', '.join(which)}" for name, which in pairs if which]


_RESOURCES: Final = TypeAdapter(list[Resource])
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"


def last_deployment(notes: Notes) -> Mapping[str, Resource]:
    """The resources of the last deployment; none before the first.

    Args:
        notes: Where they are noted.
    """
    noted = notes.read(DEPLOYMENT)
    found = _RESOURCES.validate_python(noted) if noted else []
    return {resource.logical_id: resource for resource in found}


def changes_of(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> Changes:
    """What is added, changed and replaced from one deployment to the next.

    Args:
        before: The resources of the one.
        after: Those of the next.
    """
    same = [(before[name], r) for name, r in after.items() if _continued(before.get(name), r)]
    return Changes(
        added=tuple(_name(r) for name, r in after.items() if not _continued(before.get(name), r)),
        changed=tuple(
            _name(new)
            for old, new in same
            if old.definition != new.definition and not _moved(old, new)
        ),
        replaced=tuple(_name(new) for old, new in same if _moved(old, new)),
    )


def settle(
    context: Context, notes: Notes, before: Mapping[str, Resource], deployment: Deployment
) -> Changes:
    """Removes what the deployment before had and this one has not, and notes this one.

    Args:
        context: Where.
        notes: Where it is noted.
        before: Resources of the deployment before.
        deployment: This one, complete.

    Returns:
        What changed in all; nothing where there was no deployment before.
    """
    after = deployment.resources
    removed, retained = sweep(context, leftovers(before, after))
    for key in sorted(set(_positions(before)) - set(_positions(after))):
        notes.delete(key)
    notes.write(DEPLOYMENT, _RESOURCES.dump_python(list(after.values()), mode="json"))
    if not before:
        return Changes()
    return replace(changes_of(before, after), removed=removed, retained=retained)


def leftovers(
    before: Mapping[str, Resource], after: Mapping[str, Resource]
) -> list[tuple[Resource, str]]:
    """What is no longer wanted, with the policy that says what becomes of it; last made first.

    Args:
        before: Resources of the deployment before.
        after: Of the one that is.
    """
    wanted = {_identity(resource) for resource in after.values()}
    return [
        (old, old.on_replacement if _continued(after.get(name), old) else old.on_removal)
        for name, old in reversed(list(before.items()))
        if _identity(old) not in wanted
    ]


def sweep(
    context: Context, unwanted: Iterable[tuple[Resource, str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Removes resources, or retains them as their policy says.

    Args:
        context: Where.
        unwanted: They, each with its policy.

    Returns:
        Those that were removed, and those that stay, with the reason.
    """
    removed: list[str] = []
    retained: list[str] = []
    for resource, policy in unwanted:
        creator = CREATORS[resource.type]
        if not creator.exists(context, resource.provisioned, resource.properties):
            continue  # an emulator that started anew does not have it
        if policy != "Delete":
            retained.append(f"{_name(resource)} as {resource.physical_id} ({policy})")
            continue
        try:
            creator.delete(context, resource.provisioned, resource.properties)
        except ClientError as error:
            # As CloudFormation does with a bucket that is not empty.
            why = f"it cannot be deleted: {code_of(error)}"
            retained.append(f"{_name(resource)} as {resource.physical_id} ({why})")
        else:
            removed.append(_name(resource))
    return tuple(removed), tuple(retained)


def _continued(one: Resource | None, other: Resource) -> bool:
    return one is not None and one.type == other.type


def _identity(resource: Resource) -> tuple[str, str]:
    # A queue's address changes with the emulator's port, its ARN does not.
    return resource.type, str(resource.attributes.get("Arn") or resource.physical_id)


def _moved(old: Resource, new: Resource) -> bool:
    # Others get their names from the emulator, anew with each start.
    lasting = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret")
    return new.type in lasting and old.physical_id != new.physical_id


def _name(resource: Resource) -> str:
    return f"{resource.logical_id} ({resource.type.removeprefix('AWS::')})"


def _positions(resources: Mapping[str, Any]) -> Iterator[str]:
    for resource in resources.values():
        if resource.type == _MAPPING:
            yield event_source_of(resource.properties).position
