"""Deploys a translated template: creates its resources in order, then makes sure of each."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.intrinsics import Resolver, creation_order, references
from infra.local.provision import CREATORS, Context, Creator, Provisioned
from topshelf.errors import IntegrityError, TopshelfError

__all__ = ["Deployment", "Progress", "Resource", "deploy"]

Progress = Callable[[str, int, int], None]

# Any resource does: the stack holds nothing but the outputs.
_RECORD: Final = {"Record": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the stack.

    Attributes:
        logical_id: Its name in the template.
        type: Its type.
        properties: Resolved.
        physical_id: What Ref gives.
        attributes: What GetAtt gives.
        definition: Digest of what the template says of it, before anything is resolved.
        on_removal: What becomes of it when the template has it no more.
        on_replacement: What becomes of it when another takes its place.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    physical_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    definition: str = ""
    on_removal: str = "Delete"
    on_replacement: str = "Delete"

    @property
    def provisioned(self) -> Provisioned:
        """What its creator made."""
        return Provisioned(self.physical_id, self.attributes)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack that is deployed.

    Attributes:
        account_id: Account of the emulator.
        region: AWS region.
        resources: By logical id.
        outputs: By name.
    """

    account_id: str
    region: str
    resources: Mapping[str, Resource]
    outputs: Mapping[str, str]

    def of_type(self, kind: str) -> Iterator[Resource]:
        """The resources of one type."""
        return (resource for resource in self.resources.values() if resource.type == kind)


def deploy(
    context: Context,
    api_url: str,
    progress: Progress,
    standing: Mapping[str, Resource] | None = None,
    made: dict[str, Resource] | None = None,
) -> Deployment:
    """Deploys the context's template.

    Resources that exist are brought up to date; what an earlier template had and this one has not
    is left alone (``rollout`` removes it).

    Args:
        context: Where.
        api_url: The local gateway, which stands in the outputs for the HTTP API's own address.
        progress: Told before each resource: what, how many are done, how many there are.
        standing: Resources as they stand; those of which the template says the same are left alone.
        made: Filled with each resource when it is as the template says, whatever comes after it.

    Raises:
        TopshelfError: A resource cannot be created; the text names it.
        IntegrityError: Resources are missing after all; the text names them.
    """
    template = context.translation.template
    resolver = Resolver(template, _values(context))
    wanted = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    creators = _creators(wanted)
    resources: dict[str, Resource] = {} if made is None else made
    for done, logical_id in enumerate(creation_order(wanted)):
        said = wanted[logical_id]
        kind = said["Type"]
        progress(logical_id, done, len(wanted))
        new = Resource(
            logical_id,
            kind,
            resolver.resolve(said.get("Properties", {})),
            definition=_definition(said, context.translation.parameters),
            on_removal=said.get("DeletionPolicy", "Delete"),
            on_replacement=said.get("UpdateReplacePolicy", "Delete"),
        )
        there = _made(context, new, (standing or {}).get(logical_id), creators[kind])
        resolver.add(logical_id, there.physical_id, there.attributes)
        resources[logical_id] = replace(
            new, physical_id=there.physical_id, attributes=there.attributes
        )
    _check(context, creators, resources)
    progress("outputs", len(wanted), len(wanted))
    outputs = _outputs(template.get("Outputs", {}), resolver, resources, api_url)
    _record_stack(context, outputs)
    values = {name: str(output["Value"]) for name, output in outputs.items()}
    return Deployment(context.account_id, context.region, resources, values)


def _definition(said: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    used = sorted(set(references(said.get("Properties", {}))) & parameters.keys())
    whole = [said, {name: parameters[name] for name in used}]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _made(
    context: Context, wanted: Resource, before: Resource | None, creator: Creator
) -> Provisioned:
    """Makes a resource, unless it stands as it is wanted."""
    if before is not None and before.type == wanted.type:
        there = before.provisioned
        same = before.properties == wanted.properties
        if same and creator.exists(context, there, wanted.properties):
            return there
        if creator.remade:
            creator.delete(context, there, before.properties)
    return _create(creator, context, wanted.logical_id, wanted.type, wanted.properties)


def _values(context: Context) -> dict[str, str]:
    stack_id = context.arn("cloudformation", f"stack/{context.stack_name}/local")
    return {
        **context.translation.parameters,
        "AWS::AccountId": context.account_id,
        "AWS::Partition": "aws",
        "AWS::Region": context.region,
        "AWS::StackId": stack_id,
        "AWS::StackName": context.stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _creators(resources: Mapping[str, Any]) -> dict[str, Creator]:
    unknown = [
        f"{logical_id} ({resource['Type']})"
        for logical_id, resource in resources.items()
        if resource["Type"] not in CREATORS
    ]
    if unknown:
        raise TopshelfError(f"the local cloud cannot create {', '.join(unknown)}")
    return {resource["Type"]: CREATORS[resource["Type"]] for resource in resources.values()}


def _create(
    creator: Creator, context: Context, logical_id: str, kind: str, properties: Mapping[str, Any]
) -> Provisioned:
    try:
        return creator.create(context, logical_id, properties)
    except (BotoCoreError, ClientError, KeyError, ValueError, TopshelfError) as error:
        detail = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise TopshelfError(f"cannot create {logical_id} ({kind}): {detail}") from error


def _check(
    context: Context, creators: Mapping[str, Creator], resources: Mapping[str, Resource]
) -> None:
    missing = [
        f"{resource.logical_id} ({resource.type})"
        for resource in resources.values()
        if not creators[resource.type].exists(context, resource.provisioned, resource.properties)
    ]
    if missing:
        raise IntegrityError(f"the emulated AWS lost {', '.join(missing)}")


def _outputs(
    declared: Mapping[str, Any],
    resolver: Resolver,
    resources: Mapping[str, Resource],
    api_url: str,
) -> dict[str, dict[str, Any]]:
    endpoints = [
        resource.attributes["ApiEndpoint"]
        for resource in resources.values()
        if "ApiEndpoint" in resource.attributes
    ]
    outputs: dict[str, dict[str, Any]] = {}
    for name, output in declared.items():
        if "Condition" in output and not resolver.holds(output["Condition"]):
            continue
        value = str(resolver.resolve(output["Value"]))
        for endpoint in endpoints:
            value = value.replace(endpoint, api_url)
        outputs[name] = {"Description": output.get("Description", ""), "Value": value}
    return outputs


def _record_stack(context: Context, outputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Makes ``describe_stacks`` give the outputs, as in AWS."""
    body = json.dumps({"Resources": _RECORD, "Outputs": outputs})
    name = context.stack_name
    client = context.client("cloudformation")
    try:
        client.describe_stacks(StackName=name)
    except ClientError:
        client.create_stack(StackName=name, TemplateBody=body)
        return
    try:
        client.update_stack(StackName=name, TemplateBody=body)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
