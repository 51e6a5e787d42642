"""template.yaml: what it must never say, whatever the parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from botocore.session import get_session
from samtranslator.yaml_helper import yaml_parse

from infra.local.intrinsics import Resolver
from infra.local.translate import translate
from tests.conftest import ROOT
from topshelf.errors import InvalidInputError

TEMPLATE = ROOT / "template.yaml"
TRAINING = {"TrainingImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/topshelf:1"}
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/topshelf-spark"
DIGEST = "sha256:" + 32 * "0a"


class Deployed:
    """The template with these parameters, as CloudFormation would take it."""

    def __init__(self, **parameters: str) -> None:
        said = translate(TEMPLATE, parameters, "us-east-1")
        pseudo = {"AWS::StackName": "s", "AWS::Region": "us-east-1"}
        self.resolver = Resolver(said.template, {**pseudo, **said.parameters})
        self.resources: Mapping[str, Any] = {
            name: resource
            for name, resource in said.template["Resources"].items()
            if "Condition" not in resource or self.resolver.holds(resource["Condition"])
        }

    def of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, resource in self.resources.items():
            if resource["Type"] == kind:
                yield name, resource.get("Properties", {})


def test_no_output_is_called_as_a_parameter_is() -> None:
    # sam build looks an output's name up among the parameters, and breaks on finding it.
    template = yaml_parse(TEMPLATE.read_text())
    assert not template["Outputs"].keys() & template["Parameters"].keys()


@pytest.mark.parametrize(
    ("authorizer", "kind"), [("iam", "AWS_IAM"), ("jwt", "JWT"), ("none", "NONE"), ("", "AWS_IAM")]
)
def test_every_route_has_the_authorizer_that_was_chosen(authorizer: str, kind: str) -> None:
    stack = Deployed(**({"Authorizer": authorizer} if authorizer else {}))
    routes = dict(stack.of_type("AWS::ApiGatewayV2::Route"))
    assert len(routes) == 8
    for route in routes.values():
        assert stack.resolver.resolve(route["AuthorizationType"]) == kind
    assert bool(list(stack.of_type("AWS::ApiGatewayV2::Authorizer"))) == (kind == "JWT")


def test_nothing_is_reached_but_by_the_api() -> None:
    stack = Deployed(**TRAINING)
    assert not list(stack.of_type("AWS::Lambda::Url"))
    for _, group in stack.of_type("AWS::EC2::SecurityGroup"):
        assert "SecurityGroupIngress" not in group
    for _, permission in stack.of_type("AWS::Lambda::Permission"):
        assert "SourceArn" in permission


def test_without_a_training_image_no_network_is_made() -> None:
    kinds = {resource["Type"] for resource in Deployed().resources.values()}
    assert not {kind for kind in kinds if kind.startswith(("AWS::EC2", "AWS::Batch"))}


def test_a_network_of_ones_own_is_used_and_none_made() -> None:
    own = {"TrainingSubnets": "subnet-1,subnet-2", "TrainingSecurityGroups": "sg-1"}
    stack = Deployed(**TRAINING, **own)
    ((_, compute),) = stack.of_type("AWS::Batch::ComputeEnvironment")
    used = stack.resolver.resolve(compute["ComputeResources"])
    assert (used["Subnets"], used["SecurityGroupIds"]) == (["subnet-1", "subnet-2"], ["sg-1"])
    assert not [r for r in stack.resources.values() if r["Type"].startswith("AWS::EC2")]


def test_no_gateway_that_costs_by_the_hour() -> None:
    stack = Deployed(**TRAINING)
    assert not list(stack.of_type("AWS::EC2::NatGateway"))
    for _, endpoint in stack.of_type("AWS::EC2::VPCEndpoint"):
        assert endpoint["VpcEndpointType"] == "Gateway"


def machine() -> Mapping[str, Any]:
    ((_, properties),) = Deployed(**TRAINING).of_type("AWS::StepFunctions::StateMachine")
    definition: Mapping[str, Any] = properties["Definition"]
    return definition


def test_each_step_of_a_training_is_tried_again_and_its_failure_told() -> None:
    states = machine()["States"]
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    assert len(tasks) > 8
    for name, state in tasks.items():
        assert state["Retry"], name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
    jobs = {"Train", "TrainOnSpark", "Fit", "Finish"}
    told = {*jobs, "FindVersion", "Verify", "Gate", "Import", "Check", "Flip"}
    assert {n for n, s in tasks.items() if s["Catch"][-1]["Next"] == "TellOfFailure"} == told


def test_every_way_through_a_training_gives_the_lock_back() -> None:
    states = machine()["States"]

    def ways(name: str, seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        state = states[name]
        following = {c["Next"] for c in state.get("Choices", [])}
        following |= {state[key] for key in ("Next", "Default") if key in state}
        following |= {c["Next"] for c in state.get("Catch", [])}
        if not following:
            yield (*seen, name)
        for other in following - set(seen):
            yield from ways(other, (*seen, name))

    found = list(ways(machine()["StartAt"], ()))
    assert {way[-1] for way in found} == {"Released", "Failed"}
    for way in found:
        locked = way[1] != "TellOfNoLock"
        assert locked == bool({"Unlock", "UnlockAfterFailure"} & set(way)), way


def test_each_suppression_of_a_finding_says_why() -> None:
    template = yaml_parse(TEMPLATE.read_text())
    skips = [
        skip
        for resource in template["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    assert all(len(skip["comment"]) > 40 for skip in skips)
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    general = yaml.safe_load("\n".join(lines))["skip-check"]
    for identifier in general:
        above = lines[lines.index(f"  - {identifier}") - 1]
        assert above.lstrip().startswith("# "), identifier


def test_where_models_are_trained_is_one_parameter() -> None:
    spark = {"TrainOn": "spark", "SparkImageUri": f"{REPOSITORY}:1"}
    assert not list(Deployed(**TRAINING).of_type("AWS::EMRServerless::Application"))
    stack = Deployed(**TRAINING, **spark)
    ((_, application),) = stack.of_type("AWS::EMRServerless::Application")
    assert application["AutoStopConfiguration"]["Enabled"] is True
    # Workers that wait for a training are paid for.
    assert "InitialCapacity" not in application
    ways = {}
    shards = {"ListShards": "8"}
    chosen: tuple[tuple[str, dict[str, str]], ...] = (
        ("batch", {}),
        ("shards", shards),
        ("spark", spark),
        ("both", {**spark, **shards}),
    )
    for name, parameters in chosen:
        deployed = Deployed(**TRAINING, **parameters)
        ((_, said),) = deployed.of_type("AWS::StepFunctions::StateMachine")
        choices = deployed.resolver.resolve(said["Definition"]["States"]["IsTrained"]["Choices"])
        ways[name] = next(c["Next"] for c in choices if c["Condition"] == "{% true %}")
    on_spark = "TrainOnSpark"
    assert ways == {"batch": "Train", "shards": "Fit", "spark": on_spark, "both": on_spark}


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        (f"{REPOSITORY}:2026.01-a_b", True),
        (f"{REPOSITORY}@{DIGEST}", True),
        (f"{REPOSITORY.replace('.com', '.com.cn')}:1", True),
        (REPOSITORY, False),
        (f"{REPOSITORY}:", False),
        (f"{REPOSITORY}@sha256:0a", False),
        (f"{REPOSITORY}:1@{DIGEST}", False),
        ("images/spark:1", False),
        ("public.ecr.aws/team/spark:1", False),
    ],
)
def test_the_image_of_spark_is_one_that_emr_serverless_takes(image: str, taken: bool) -> None:
    # What its API says of itself.
    said = get_session().get_service_model("emr-serverless").shape_for("ImageUri").metadata
    assert bool(re.fullmatch(said["pattern"], image)) == taken
    parameters = {**TRAINING, "TrainOn": "spark", "SparkImageUri": image}
    if not taken:
        with pytest.raises(InvalidInputError, match="SparkImageUri"):
            Deployed(**parameters)
        return
    stack = Deployed(**parameters)
    ((_, application),) = stack.of_type("AWS::EMRServerless::Application")
    assert stack.resolver.resolve(application["ImageConfiguration"]) == {"ImageUri": image}


def numbers_of(said: Any) -> Iterator[tuple[str, Any]]:
    """Fields of a definition that Step Functions takes as numbers."""
    numeric = {"BackoffRate", "IntervalSeconds", "MaxAttempts", "MaxConcurrency", "TimeoutSeconds"}
    for name, value in said.items() if isinstance(said, Mapping) else enumerate(said):
        if name in numeric:
            yield name, value
        elif isinstance(value, (Mapping, list)):
            yield from numbers_of(value)


def test_a_number_of_the_state_machine_is_no_text() -> None:
    # A parameter that is a number is text once it stands in a definition.
    stack = Deployed(**TRAINING, ListShards="8")
    ((_, said),) = stack.of_type("AWS::StepFunctions::StateMachine")
    found = [(name, stack.resolver.resolve(raw)) for name, raw in numbers_of(said["Definition"])]
    assert found
    for name, value in found:
        assert not isinstance(value, str) or value.startswith("{%"), (name, value)
    items = said["Definition"]["States"]["MakeLists"]["Items"]
    assert stack.resolver.resolve(items) == "{% [0..8 - 1] %}"


def test_the_least_memory_on_spark_holds_a_driver_and_a_worker() -> None:
    template = yaml_parse(TEMPLATE.read_text())
    application = template["Resources"]["SparkApplication"]["Properties"]
    said = application["RuntimeConfiguration"][0]["Properties"]

    def gigabytes(name: str) -> int:
        return int(said[f"spark.{name}"].removesuffix("g"))

    # A tenth on top of the driver's memory is its own, in whole gigabytes.
    driver = -(-gigabytes("driver.memory") * 11 // 10)
    worker = gigabytes("executor.memory") + gigabytes("executor.memoryOverhead")
    assert template["Parameters"]["SparkMemory"]["MinValue"] >= driver + worker
