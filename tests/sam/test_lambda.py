"""``sam local start-lambda`` through boto3: a whole release, step by step."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.builders.local_cloud import eventually
from tests.conftest import REGION
from tests.events.reading import events_of, told_anew
from tests.sam.conftest import Figures
from tests.sam.local import SamLocal
from tests.sam.released import Released

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def client(sam_local: SamLocal, variables: dict[str, dict[str, str]]) -> Iterator[Any]:
    """A client of Lambda that asks start-lambda."""
    with sam_local.served("start-lambda", variables) as address:
        yield boto3.client(
            "lambda",
            region_name=REGION,
            endpoint_url=address,
            aws_access_key_id="accesskey",
            aws_secret_access_key="secretkey",
            config=Config(read_timeout=120, retries={"total_max_attempts": 1}),
        )


def invoke(client: Any, event: dict[str, Any]) -> Any:
    """What the release function said."""
    answer = client.invoke(FunctionName="ReleaseModel", Payload=json.dumps(event).encode())
    assert answer["StatusCode"] == 200
    return json.loads(answer["Payload"].read())


def test_a_release_is_done_step_by_step(client: Any, platform: Released, figures: Figures) -> None:
    recorded = events_of("ReleaseModel")
    before, version = platform.live_version(), platform.train(seed=1)
    (old,) = {event["version"] for event in recorded.values()}
    said: dict[str, Any] = {}

    def done(answer: Any) -> Any:
        assert "status" in answer, answer
        return answer if answer["status"] != "running" or step != "check" else None

    for name in sorted(recorded):
        event = told_anew(recorded[name], {old: version})
        # The import runs beside us: a state machine asks again, too.
        step = event["step"]
        said[step] = eventually(lambda event=event: done(invoke(client, event)), 60)
    for step, answer in said.items():
        figures.add(f"start-lambda through boto3: {step}", answer["status"])
    assert (said["verify"]["status"], said["check"]["status"]) == ("verified", "completed")
    assert said["flip"] == {"status": "live", "version": version, "previous": before}
    assert platform.live_version() == version


def test_a_function_that_raises_says_so(client: Any) -> None:
    event = {"step": "verify", "version": "20260101T000000Z-00000000"}
    said = invoke(client, event)
    assert said["errorType"] == "NotFoundError"
    assert "20260101T000000Z-00000000" in said["errorMessage"]
