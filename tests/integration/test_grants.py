"""Each role of template.yaml grants what was seen to be needed, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra.grants.blueprint import EVERYTHING
from infra.grants.calls import Call, read_calls
from infra.grants.needed import IN_STEPS, needed, silent
from infra.grants.needs import Need
from infra.grants.policies import Grant, Role, roles_of
from infra.grants.proof import faults_of
from infra.grants.recorder import RECORD_CALLS
from infra.local.cloud import LocalCloud
from tests.builders.grants import Platform, environment
from tests.builders.local_cloud import REAL, options

pytestmark = pytest.mark.timeout(240)

# What a template says by default, and with every option that brings policies.
SETTINGS = pytest.mark.parametrize("parameters", [{}, EVERYTHING], ids=["default", "everything"])


FUNCTIONS = ("IngestEvents", "RecommendApi", "RefreshTopk", "ReleaseModel", "CheckDeployment")


@dataclass(frozen=True, slots=True)
class Seen:
    """A platform that was used, and the calls that were seen."""

    platform: Platform
    calls: list[Call]

    def roles(self, parameters: Mapping[str, str]) -> list[tuple[Role, Sequence[Need]]]:
        """The roles that the template makes with some parameters, and all that each is for."""
        stack = self.platform.resources(parameters)
        # Without its job definition nobody trains: those calls are of no role then.
        jobs = any(resource.type == "AWS::Batch::JobDefinition" for resource in stack)
        ours = ("-training", f"-training{IN_STEPS}")
        calls = [call for call in self.calls if jobs or not call.caller.endswith(ours)]
        needs = needed(stack, calls, self.platform.place)
        return [(role, needs.get(role.arn, ())) for role in roles_of(stack)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("grants")
    calls = folder / "calls.jsonl"
    # What is answered counts here, not how soon.
    chosen = options(REAL, folder, parameters={"ReadTimeoutMs": "4000"})
    with environment({RECORD_CALLS: str(calls)}), LocalCloud(chosen) as cloud:
        cloud.start()
        platform = Platform(cloud, calls)
        platform.use(folder)
        yield Seen(platform, read_calls(calls))


def test_every_function_and_the_training_job_were_seen_calling(seen: Seen) -> None:
    assert list(silent(seen.platform.resources(EVERYTHING), seen.calls)) == []


@SETTINGS
def test_each_role_grants_what_is_needed_and_nothing_else(
    seen: Seen, parameters: dict[str, str]
) -> None:
    roles = seen.roles(parameters)
    assert {role.name for role, _ in roles} >= {f"{name}Role" for name in FUNCTIONS}
    assert [fault for role, needs in roles for fault in faults_of(role, needs)] == []


@SETTINGS
def test_each_permission_that_is_removed_is_missed(seen: Seen, parameters: dict[str, str]) -> None:
    for role, needs in seen.roles(parameters):
        for grant in role.grants:
            fewer = tuple(other for other in role.grants if other != grant)
            missed = f"{role.name}: {grant.action} on "
            faults = faults_of(replace(role, grants=fewer), needs)
            assert any(f.startswith(missed) and "is not granted" in f for f in faults), grant


@SETTINGS
def test_a_permission_that_nothing_needs_is_named(seen: Seen, parameters: dict[str, str]) -> None:
    table = seen.platform.place.arn("dynamodb", "table/other")
    for role, needs in seen.roles(parameters):
        more = (*role.grants, Grant("dynamodb:DeleteItem", table))
        found = set(faults_of(replace(role, grants=more), needs)) - set(faults_of(role, needs))
        assert found == {
            f"{role.name}: dynamodb:DeleteItem on {table} is granted, and nothing needs it"
        }


def test_a_permission_that_is_widened_is_named(seen: Seen) -> None:
    (found,) = (each for each in seen.roles({}) if each[0].name == "RefreshTopkRole")
    role, needs = found
    (models,) = (grant for grant in role.grants if grant.action == "s3:GetObject")
    wider = replace(models, resource=models.resource.replace("models/*", "*"))
    grants = tuple(wider if grant == models else grant for grant in role.grants)
    changed = set(faults_of(replace(role, grants=grants), needs)) - set(faults_of(role, needs))
    (fault,) = changed
    assert fault.endswith("models/ alone")


def test_a_function_that_is_not_run_is_named(seen: Seen) -> None:
    stack = seen.platform.resources({})
    name = f"{seen.platform.place.stack_name}-refresh-topk"
    others = [call for call in seen.calls if call.caller != name]
    found = set(silent(stack, others)) - set(silent(stack, seen.calls))
    assert found == {f"{name}: no call of it was recorded: let the test run it"}


def test_calls_are_noted_with_names_alone(seen: Seen, tmp_path: Path) -> None:
    noted = seen.platform.calls.read_text()
    assert "m00002" not in noted
    assert "v000003" not in noted
