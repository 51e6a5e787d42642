"""template.yaml, packaged as `sam package` does, and deployed by CloudFormation."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from infra.cli.stack import Place, Stack
from infra.stack_check import Examination, Gap, Services, examine_stack, standing
from infra.stack_check.translation import plain_template
from tests.conftest import REGION, ROOT
from tests.stack.ministack import ACCOUNT, MiniStack

BUILD = ROOT / ".aws-sam" / "build"
_ZIPS = BUILD.parent / "zips"
_BUCKET = "packages"
_PLACES = ("CodeUri", "ContentUri")
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack on MiniStack.

    Attributes:
        ministack: Where.
        stack: As the command line sees it.
        template: What the SAM transform made of the template.
        parameters: The value of each of its parameters.
    """

    ministack: MiniStack
    stack: Stack
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        services = Services(self.ministack.client, REGION, ACCOUNT)
        object.__setattr__(self, "services", services)

    @property
    def resources(self) -> dict[str, str]:
        """Physical ids by logical id, as CloudFormation lists them."""
        return standing(self.services, self.stack.name)

    def examine(self, gaps: tuple[Gap, ...]) -> Examination:
        """Every resource, asked through its own service."""
        return examine_stack(
            self.services,
            self.template,
            self.parameters,
            self.resources,
            stack_name=self.stack.name,
            gaps=gaps,
        )


def source() -> dict[str, Any]:
    """template.yaml, parsed."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def deploy(
    ministack: MiniStack, name: str, parameters: Mapping[str, str], template: dict[str, Any]
) -> Deployed:
    """Packages a template and creates a stack of it; fails with CloudFormation's reasons."""
    packaged = _packaged(ministack, template, parameters)
    s3, cloudformation = ministack.client("s3"), ministack.client("cloudformation")
    # Too long for a call: from S3, as `sam deploy` does.
    s3.put_object(Bucket=_BUCKET, Key=f"{name}.template", Body=json.dumps(packaged).encode())
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{ministack.url}/{_BUCKET}/{name}.template",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    end = time.monotonic() + _SECONDS
    while True:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        assert time.monotonic() < end, f"{name} is still {status}"
        time.sleep(0.05)
    assert status == "CREATE_COMPLETE", _reasons(cloudformation, name)
    plain, values = plain_template(packaged, parameters, REGION)
    stack = Stack.connect(name, Place(REGION, ministack.url, ministack.url))
    return Deployed(ministack, stack, plain, values)


def _packaged(
    ministack: MiniStack, template: dict[str, Any], parameters: Mapping[str, str]
) -> dict[str, Any]:
    """The template with its code in S3, and the given parameters as their own defaults.

    MiniStack hands the SAM transform no parameter values: what the transform has to know (whether
    traffic shifts gradually) it finds in the defaults alone.
    """
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=_BUCKET)
    built = yaml_parse((BUILD / "template.yaml").read_text())["Resources"]
    for name, resource in template["Resources"].items():
        for place in _PLACES:
            if isinstance(resource.get("Properties", {}).get(place), str):
                # Functions of the same code share an artefact.
                artefact = Path(built[name]["Properties"][place]).name
                zipped = (_ZIPS / f"{artefact}.zip").read_bytes()
                s3.put_object(Bucket=_BUCKET, Key=f"{artefact}.zip", Body=zipped)
                resource["Properties"][place] = f"s3://{_BUCKET}/{artefact}.zip"
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    return template


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "; ".join(
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    )
