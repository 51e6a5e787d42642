"""The training's state machine with lists on several machines: run, and not only read."""

import gzip
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.intrinsics import Resolver
from infra.local.translate import translate
from tests.builders.state_machines import Batch, run_machine, states_by_moto
from tests.packaging.test_template import TEMPLATE, TRAINING
from tests.unit.test_training_job import viewing
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.events import encode_line
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from training import job
from training import publish as publishing

SHARDS = 3


def fan_out() -> Mapping[str, Any]:
    """The template's machine from the fit to the finished model."""
    said = translate(TEMPLATE, {**TRAINING, "ListShards": f"{SHARDS}"}, "us-east-1")
    resolver = Resolver(said.template, {"AWS::StackName": "s", **said.parameters})
    for name in ("TrainingQueue", "TrainingJob"):
        resolver.add(name, name, {})
    definition = said.template["Resources"]["TrainingMachine"]["Properties"]["Definition"]
    steps = {
        name: resolver.resolve(definition["States"][name])
        for name in ("Fit", "MakeLists", "Finish")
    }
    return {
        "QueryLanguage": definition["QueryLanguage"],
        "StartAt": "Fit",
        "States": {
            **steps,
            "FindVersion": {"Type": "Succeed"},
            "TellOfFailure": {"Type": "Pass", "Output": "{% $states.input.reason %}", "End": True},
        },
    }


def container(variables: Mapping[str, str]) -> bool:
    """The job with the environment of its container: what it has, and what the machine adds."""
    with pytest.MonkeyPatch.context() as added:
        for name, value in variables.items():
            added.setenv(name, value)
        return job.main() == 0


@pytest.fixture
def lake(client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with events of 60 viewers, whose lists are four parts."""
    monkeypatch.setattr(publishing, "_LISTS_A_PART", 16)
    body = gzip.compress(b"".join(map(encode_line, viewing())))
    client("s3").put_object(Bucket=bucket, Key="events/dt=2026-01-01/a.jsonl.gz", Body=body)
    return bucket


def keys(client: Any, bucket: str, prefix: str) -> list[str]:
    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for entry in found.get("Contents", [])]


def test_three_machines_make_the_lists_of_one_training(
    client: Any,
    lake: str,
    emulator: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    batch = Batch(container)
    states_by_moto(monkeypatch, emulator, batch)
    run = f"night-{lake}"

    ended = run_machine(client("stepfunctions"), fan_out(), run)

    assert ended.states[-1] == "FindVersion", ended.output
    steps = [(told["TOPSHELF_STEP"], told.get("TOPSHELF_SHARD")) for told in batch.submitted]
    assert steps[0] == ("fit", None)
    assert sorted(steps[1:-1]) == [("lists", "0"), ("lists", "1"), ("lists", "2")]
    assert steps[-1] == ("finish", None)
    assert {told["TOPSHELF_RUN"] for told in batch.submitted} == {run}
    assert {told["TOPSHELF_SHARDS"] for told in batch.submitted} == {"3"}
    version = RegistryTable(client("dynamodb"), table=lake).version_of_run(run)
    assert version
    store = ModelBucket(client("s3"), bucket=lake)
    manifest = parse_manifest(store.read(version, MANIFEST_NAME), version)
    assert keys(client, lake, "shards/") == []

    monkeypatch.delenv("TOPSHELF_RUN", raising=False)
    capsys.readouterr()
    assert job.main() == 0
    alone = capsys.readouterr().out.splitlines()[-1].removeprefix("version: ")
    # Names of versions tell the time; files and their bytes do not.
    assert parse_manifest(store.read(alone, MANIFEST_NAME), alone).files == manifest.files


def test_a_shard_that_fails_ends_the_training_and_makes_no_model(
    client: Any, lake: str, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_fails(variables: Mapping[str, str]) -> bool:
        return variables.get("TOPSHELF_SHARD") != "1" and container(variables)

    batch = Batch(one_fails)
    states_by_moto(monkeypatch, emulator, batch)

    ended = run_machine(client("stepfunctions"), fan_out(), f"night-{lake}")

    # AWS's map fails with its first item; moto's goes on, and the last step tells what is missing.
    assert ended.states[-1] == "TellOfFailure"
    assert keys(client, lake, "models/") == []
