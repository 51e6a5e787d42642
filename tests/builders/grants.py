"""A platform that is put to use, all of it, while what it asks of AWS is noted."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.cli.data_commands import import_into, write_simulation
from infra.cli.releasing import rollback
from infra.cli.showing import ApiClient
from infra.cli.stack import Place as Where
from infra.cli.stack import Stack
from infra.grants.blueprint import EVERYTHING, blueprint
from infra.grants.needed import IN_STEPS
from infra.grants.needs import Place
from infra.local.cloud import LocalCloud
from infra.local.deploy import Resource
from infra.local.notes import BucketNotes
from infra.local.rollout import last_deployment
from infra.simulator import SimulatorOptions
from tests.builders.local_cloud import eventually
from tests.conftest import REGION

__all__ = ["Platform", "environment"]


RUNS = ("first", "second")

_JOB = """
import os, sys
from pathlib import Path
from infra.grants.recorder import record_calls
record_calls(Path(sys.argv[1]), sys.argv[2])
from training.job import main
for os.environ["TOPSHELF_RUN"] in sys.argv[3:]:
    assert main() == 0
"""

_IN_STEPS = """
import os, sys
from pathlib import Path
from infra.grants.recorder import record_calls
record_calls(Path(sys.argv[1]), sys.argv[2])
from training.job import main
os.environ["TOPSHELF_SHARDS"] = "2"
for os.environ["TOPSHELF_RUN"] in sys.argv[3:]:
    for step, shard in (("fit", "0"), ("lists", "0"), ("lists", "1"), ("finish", "0")):
        os.environ.update(TOPSHELF_STEP=step, TOPSHELF_SHARD=shard)
        assert main() == 0
"""


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """More variables for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Platform:
    """A running local cloud of template.yaml whose users do all that can be done.

    Args:
        cloud: Started, its functions' calls being noted.
        calls: The file that they are noted in.
    """

    def __init__(self, cloud: LocalCloud, calls: Path) -> None:
        self.cloud, self.calls = cloud, calls
        self.stack = Stack.connect(
            cloud.options.stack_name, Where(REGION, cloud.endpoint_url, cloud.lambda_url)
        )
        account = self.stack.client("sts").get_caller_identity()["Account"]
        self.place = Place(REGION, account, cloud.options.stack_name)
        notes = BucketNotes(self.stack.client("s3"), self.place.stack_name, REGION)
        self._deployed = last_deployment(notes)
        self._api = ApiClient(cloud.api_url, signed=True, region=REGION)

    def resources(self, parameters: Mapping[str, str]) -> Sequence[Resource]:
        """What the template makes with some parameters; what is deployed has its names."""
        return blueprint(
            self.cloud.options.template, self.place, parameters=parameters, known=self._deployed
        )

    def use(self, folder: Path) -> None:
        """Does all that is done with the platform, with two models."""
        small = SimulatorOptions(viewers=60, movies=80, interactions=2_400)
        write_simulation(small, folder, _quiet)
        import_into(self.stack, folder, _quiet)
        self._spoil_lines()
        for version, run, viewer in zip(self._train(), RUNS, ("v000003", "v000004"), strict=True):
            self._release(version, run)
            now = self._watch(viewer)
            self._ask(version)
            self._await_list(viewer, now)
        rollback(self.stack)
        self._check_deployments()

    def _spoil_lines(self) -> None:
        bucket = self.stack.outputs["BucketName"]
        for day in ("2026-01-02", "2026-01-03"):
            key, line = f"events/dt={day}/spoilt.jsonl.gz", gzip.compress(b"{no event\n")
            self.stack.client("s3").put_object(Bucket=bucket, Key=key, Body=line)

    def _train(self) -> list[str]:
        """Runs the training job's entry as its container does, twice, and gives the versions."""
        (definition,) = (
            resource
            for resource in self.resources(EVERYTHING)
            if resource.type == "AWS::Batch::JobDefinition"
        )
        container = definition.properties["ContainerProperties"]
        given = {item["Name"]: str(item["Value"]) for item in container["Environment"]}
        here = {"AWS_ENDPOINT_URL": self.cloud.endpoint_url, "AWS_REGION": REGION}
        name = definition.properties["JobDefinitionName"]

        def run(code: str, caller: str, *runs: str) -> None:
            # A process of its own: in this one, the local cloud calls too.
            subprocess.run(
                [sys.executable, "-c", code, self.calls, caller, *runs],
                env={"PATH": os.environ["PATH"], **given, **here},
                check=True,
                timeout=120,
            )

        run(_JOB, name, *RUNS)
        s3, bucket = self.stack.client("s3"), self.stack.outputs["BucketName"]
        answer = s3.list_objects_v2(Bucket=bucket, Prefix="models/", Delimiter="/")
        versions = sorted(found["Prefix"].split("/")[1] for found in answer["CommonPrefixes"])
        # More models, which nobody releases.
        run(_IN_STEPS, f"{name}{IN_STEPS}", "third", "fourth")
        return versions

    def _release(self, version: str, run: str) -> None:
        """Takes the steps that the state machine takes, in its order."""
        (machine,) = (
            resource
            for resource in self.resources(EVERYTHING)
            if resource.type == "AWS::StepFunctions::StateMachine"
        )
        for state in machine.properties["Definition"]["States"].values():
            if not str(state.get("Resource")).endswith(":lambda:invoke"):
                continue
            payload = dict(state["Arguments"]["Payload"])
            payload |= {k: v for k, v in (("version", version), ("run", run)) if k in payload}
            if payload["step"] == "gate":
                # How good a model of 60 viewers is, is of no interest here.
                payload["force"] = True
            name = state["Arguments"]["FunctionName"].rpartition(":")[2]
            self._invoke(name, payload)
            if payload["step"] == "check":
                eventually(lambda: self._invoke(name, payload)["status"] != "running")  # noqa: B023

    def _invoke(self, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        client = self.stack.client("lambda", timeout=60)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def _ask(self, version: str) -> None:
        """Every route, each tier and every option that leads to a read."""

        def of_this_version() -> str | None:
            # The live version is believed for a few seconds.
            answer = self._api.recommendations("v000001")
            return answer["recommendation_id"] if answer["model_version"] == version else None

        said = eventually(of_this_version)
        for path in (
            "/v1/health",
            "/v1/popular?titles=true",
            "/v1/items/m00001/similar?titles=true",
            "/v1/users/v000002/recommendations?titles=true",
            "/v1/users/nobody/recommendations",
            f"/v1/provenance/{said}",
        ):
            status, body = self._api.call("GET", path)
            assert status == 200, (path, body)

    def _watch(self, user_id: str) -> int:
        """One event, of now: the time that the list that it leads to will have."""
        now = int(time.time() * 1000)
        event = {
            "user_id": user_id,
            "item_id": "m00002",
            "event_type": "watch",
            "event_value": 1.0,
            "timestamp": now,
        }
        assert self._api.call("POST", "/v1/events", {"events": [event]})[0] == 202
        return now

    def _await_list(self, user_id: str, generated_at: int) -> None:
        def refreshed() -> bool:
            return bool(self._api.recommendations(user_id)["generated_at"] == generated_at)

        assert eventually(refreshed)

    def _check_deployments(self) -> None:
        """Each hook of a deployment, as CodeDeploy calls it; no emulator has its deployments."""
        event = json.dumps({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"})
        client = self.stack.client("lambda", timeout=60)

        def check(hook: str) -> None:
            client.invoke(FunctionName=hook, Payload=event.encode())

        shifts = (
            resource.properties.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
            for resource in self.resources(EVERYTHING)
        )
        hooks = [shift["BeforeAllowTrafficHook"] for shift in shifts if shift]
        with ThreadPoolExecutor() as beside:
            list(beside.map(check, hooks))
