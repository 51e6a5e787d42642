"""State machines that run: moto's engine, with the language and the Batch that it leaves out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import jsonata
import pytest
from botocore.validate import validate_parameters
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_batch,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata as language

from infra.local.provision.state_machines import lower_names
from tests.builders.local_cloud import eventually

__all__ = ["Batch", "Ended", "run_machine", "states_by_moto"]

ROLE = "arn:aws:iam::123456789012:role/states"


@dataclass(frozen=True, slots=True)
class Batch:
    """AWS Batch that runs a job where it is asked, one at a time.

    Attributes:
        run: The container: takes its environment, says whether it ended well.
        submitted: Environment of each job, in the order of their ends.
    """

    run: Callable[[Mapping[str, str]], bool]
    submitted: list[Mapping[str, str]] = field(default_factory=list)
    _ended: dict[str, str] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def submit_job(self, **said: Any) -> dict[str, Any]:
        """Runs the job to its end, if it is one that AWS would take."""
        asked = lower_names(said)
        model = botocore.session.get_session().get_service_model("batch")
        validate_parameters(asked, model.operation_model("SubmitJob").input_shape)
        environment = asked["containerOverrides"]["environment"]
        variables = {one["name"]: one["value"] for one in environment}
        with self._one:
            status = "SUCCEEDED" if self.run(variables) else "FAILED"
            self.submitted.append(variables)
            name = f"job-{len(self.submitted)}"
            self._ended[name] = status
        # In the large letters of Step Functions, which moto does not put in the service's place.
        return {"JobId": name, "JobName": asked["jobName"]}

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        """How they ended."""
        return {"jobs": [{"jobId": job, "status": self._ended[job]} for job in jobs]}


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended.

    Attributes:
        output: Its output.
        states: Names of the states that it entered, in their order.
    """

    output: Any
    states: list[str]


def states_by_moto(monkeypatch: pytest.MonkeyPatch, emulator: str, batch: Batch) -> None:
    """Lets the moto server of this process run state machines, with this Batch, till the end."""
    monkeypatch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    monkeypatch.setenv("MOTO_PORT", str(urlsplit(emulator).port))
    monkeypatch.setattr(
        language, "_eval_jsonata", lambda text: jsonata.Jsonata.jsonata(text).evaluate(None)
    )
    monkeypatch.setattr(state_task_service_batch, "boto_client_for", lambda **_: batch)


def run_machine(states: Any, definition: Mapping[str, Any], name: str) -> Ended:
    """Runs a machine once.

    Args:
        states: A client of Step Functions.
        definition: In Amazon States Language.
        name: Of the execution.
    """
    made = states.create_state_machine(
        name=f"machine-of-{name}", definition=json.dumps(definition), roleArn=ROLE
    )
    run = states.start_execution(
        stateMachineArn=made["stateMachineArn"], name=name, input=json.dumps({})
    )["executionArn"]

    def ended() -> Mapping[str, Any] | None:
        said: Mapping[str, Any] = states.describe_execution(executionArn=run)
        return None if said["status"] == "RUNNING" else said

    said = eventually(ended, 120)
    assert said["status"] == "SUCCEEDED", f"{said['error']}: {said['cause']}"
    history = states.get_execution_history(executionArn=run, maxResults=1000)["events"]
    entered = "stateEnteredEventDetails"
    return Ended(
        output=json.loads(said["output"]),
        states=[event[entered]["name"] for event in history if entered in event],
    )
