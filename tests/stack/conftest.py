"""MiniStack with the template deployed, and a model trained and released on it."""

import gzip
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.cli.data_commands import import_into, write_simulation
from infra.simulator import SimulatorOptions
from tests.builders.local_cloud import eventually
from tests.conftest import REGION, ROOT
from tests.e2e.conftest import quiet
from tests.stack.asking import HttpApi
from tests.stack.ministack import PROGRAM, MiniStack
from tests.stack.stacks import BUILD, Deployed, deploy, source

PARAMETERS = {
    "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
    "GradualDeployment": "false",
    "ShareAlarms": "false",
    # What is served is tested here, however busy the machine is.
    "ReadTimeoutMs": "4000",
}
NEWCOMER = "newcomer"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Trained:
    """A stack that events went into, and the version that was trained on them."""

    deployed: Deployed
    api: HttpApi
    version: str
    watched: tuple[str, ...]


@pytest.fixture(scope="session", autouse=True)
def _made() -> None:
    for path in (PROGRAM, BUILD / "template.yaml"):
        if not path.exists():
            pytest.skip(f"no {path.relative_to(ROOT)}; `make test-stack` makes it")


@pytest.fixture(scope="session")
def ministack(_made: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """The emulator."""
    with MiniStack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture(scope="session")
def deployed(ministack: MiniStack) -> Deployed:
    """The template; its API asks for signatures."""
    return deploy(ministack, "topshelf", PARAMETERS | {"Authorizer": "iam"}, source())


@pytest.fixture(scope="session")
def few_viewers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events and catalogue of a few built-in viewers."""
    folder = tmp_path_factory.mktemp("viewers")
    options = SimulatorOptions(viewers=100, movies=150, interactions=2_500)
    write_simulation(options, folder, quiet)
    return folder


@pytest.fixture(scope="session")
def trained(deployed: Deployed, few_viewers: Path) -> Trained:
    """Events in, by file and by HTTP, and the training job run on what arrived in the lake."""
    import_into(deployed.stack, few_viewers, quiet)
    api = HttpApi(deployed)
    watched = tuple(f"m{number:05d}" for number in range(1, 9))
    now = int(time.time() * 1000)
    events = [
        {"user_id": NEWCOMER, "item_id": item, "event_type": "watch", "event_value": 0.9}
        | {"timestamp": now - 1000 * place}
        for place, item in enumerate(watched)
    ]
    status, said = api.call("POST", "/v1/events", {"events": events}, signed=True)
    assert (status, said["accepted"]) == (202, len(watched)), said
    assert _compress_deliveries(deployed) == 1
    return Trained(deployed, api, train(deployed), watched)


@pytest.fixture(scope="session")
def released(trained: Trained) -> Trained:
    """The state machine has made the version live."""
    release(trained.deployed, trained.version)
    return trained


def release(deployed: Deployed, version: str) -> None:
    """Starts the stack's state machine with a trained version, and waits until it is live."""
    states = deployed.ministack.client("stepfunctions")
    started = states.start_execution(
        stateMachineArn=deployed.resources["TrainingMachine"],
        input=json.dumps({"version": version}),
    )

    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
        return None if said["status"] == "RUNNING" else said

    said = eventually(ended, 60)
    assert said["status"] == "SUCCEEDED", f"{said.get('error')}: {said.get('cause')}"


def _compress_deliveries(deployed: Deployed) -> int:
    """Does what MiniStack's Firehose leaves out: objects that say .gz, gzipped; how many."""
    s3, bucket = deployed.ministack.client("s3"), deployed.stack.outputs["BucketName"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="events/")["Contents"]
    plain = {
        entry["Key"]: content
        for entry in listed
        if not (
            content := s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        ).startswith(_GZIP)
    }
    for key, content in plain.items():
        assert key.endswith(".jsonl.gz")
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(content, mtime=0))
    return len(plain)


def train(deployed: Deployed) -> str:
    """Runs the training job as a process; the version that it trained."""
    outputs = deployed.stack.outputs
    job = subprocess.run(
        [sys.executable, "-m", "training.job"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "OPENBLAS_NUM_THREADS": "1",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": deployed.ministack.url,
            "TOPSHELF_BUCKET": outputs["BucketName"],
            "TOPSHELF_REGISTRY_TABLE": outputs["RegistryTableName"],
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert job.returncode == 0, job.stdout + job.stderr
    found = re.search(r"^version: (\S+)$", job.stdout, re.MULTILINE)
    assert found, job.stdout
    return found[1]


def activity_image(event: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """An item of the activity table, as its stream shows it."""
    return {
        "user_id": {"S": "poisoned"},
        "event_key": {"S": "0#broken"},
        "origin": {"S": "live"},
        "event": event,
    }
