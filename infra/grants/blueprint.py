"""A template's resources, resolved without deploying them: what is not known stands as its name."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from infra.grants.needs import Place
from infra.local.deploy import Resource
from infra.local.intrinsics import Resolver, creation_order
from infra.local.translate import translate

__all__ = ["EVERYTHING", "Blueprint", "blueprint"]

EVERYTHING: Final[Mapping[str, str]] = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/own",
    "ListShards": "2",
    "SparkImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/spark:1",
    "Tracing": "Active",
    "TrainOn": "spark",
    "TrainingImageUri": "training",
}
"""Parameters with which every role and every policy of template.yaml is there."""

# Networks grant nothing, and ask for functions that only AWS can answer.
_LEFT_ALONE: Final = "AWS::EC2::"

Blueprint = list[Resource]


def blueprint(
    path: Path,
    place: Place,
    *,
    parameters: Mapping[str, str],
    shown: Mapping[str, str] | None = None,
    known: Mapping[str, Resource] | None = None,
) -> Blueprint:
    """The resources that a template makes with some parameters.

    An alias carries its UpdatePolicy among its properties: it says who checks a deployment.

    Args:
        path: The SAM template.
        place: Where the stack would be.
        parameters: Those that differ from the defaults.
        shown: Values of parameters in place of those that decided the conditions.
        known: Resources that are deployed: their names and ARNs are taken.

    Raises:
        TopshelfError: The template is not valid.
    """
    # SAM asks for a region, to know of its partition; a place may have a stand-in for one.
    translation = translate(path, parameters, "us-east-1" if "$" in place.region else place.region)
    template = translation.template
    pseudo = {
        "AWS::AccountId": place.account_id,
        "AWS::Partition": place.partition,
        "AWS::Region": place.region,
        "AWS::StackId": f"stack/{place.stack_name}",
        "AWS::StackName": place.stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    deciding = Resolver(template, {**translation.parameters, **pseudo})
    wanted = {
        name: said
        for name, said in template["Resources"].items()
        if "Condition" not in said or deciding.holds(said["Condition"])
    }
    resolver = _Shown(deciding, template, {**translation.parameters, **(shown or {}), **pseudo})
    found = []
    for name in creation_order(wanted):
        resource = _resolved(name, wanted[name], resolver, place, (known or {}).get(name))
        resolver.add(name, resource.physical_id, resource.attributes)
        found.append(resource)
    # It may refer to what is made later.
    return [_with_policy(resource, wanted[resource.logical_id], resolver) for resource in found]


class _Shown(Resolver):
    """Resolves with the values that are shown, and decides with those that were given."""

    def __init__(
        self, deciding: Resolver, template: Mapping[str, Any], values: Mapping[str, str]
    ) -> None:
        super().__init__(template, values)
        self._deciding = deciding

    def holds(self, condition: str) -> bool:
        return self._deciding.holds(condition)


def _resolved(
    name: str, said: Mapping[str, Any], resolver: Resolver, place: Place, known: Resource | None
) -> Resource:
    kind = said["Type"]
    properties = {}
    if not kind.startswith(_LEFT_ALONE):
        properties = resolver.resolve(said.get("Properties", {}))
    if known is not None:
        return Resource(name, kind, properties, known.physical_id, known.attributes)
    physical_id = f"${{{name}}}"
    if kind == "AWS::Batch::JobDefinition":
        # Ref gives the ARN of a revision, which is new with each change.
        physical_id = place.arn("batch", f"job-definition/{properties['JobDefinitionName']}:*")
    if kind == "AWS::Lambda::Function" and "FunctionName" in properties:
        # Policies name functions as the template does, where a reference would make a circle.
        physical_id = str(properties["FunctionName"])
        arn = place.arn("lambda", f"function:{physical_id}")
        return Resource(name, kind, properties, physical_id, {"Arn": arn})
    return Resource(name, kind, properties, physical_id, _Named(name))


def _with_policy(resource: Resource, said: Mapping[str, Any], resolver: Resolver) -> Resource:
    if "UpdatePolicy" not in said:
        return resource
    policy = resolver.resolve(said["UpdatePolicy"])
    return replace(resource, properties={**resource.properties, "UpdatePolicy": policy})


class _Named(Mapping[str, Any]):
    """Attributes of what is not deployed: each stands as ``${Name.Attribute}``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, attribute: str) -> str:
        return f"${{{self._name}.{attribute}}}"

    def __contains__(self, attribute: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
