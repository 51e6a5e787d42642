"""Each built function in Lambda's own runtime, on a platform with a released model."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from tests.builders.gateway import http_event
from tests.runtime.code_deploy import CodeDeploy
from tests.runtime.conftest import BUILD, LAYER, Artefacts
from tests.runtime.lambda_process import Code

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

NEVER_IN_THE_API = {"numpy", "scipy", "implicit", "polars", "boto3", "localstack_client", "moto"}


def test_recommendations_titles_and_errors(artefacts: Artefacts) -> None:
    with artefacts.start("RecommendApi") as function:
        answer = function.invoke(
            http_event("GET", "/v1/users/v000001/recommendations", query="titles=true")
        )
        said = json.loads(answer["body"])
        assert (answer["statusCode"], said["tier"]) == (200, "own")
        assert said["model_version"] == artefacts.manifest.version
        assert all(item["title"] for item in said["item_list"])
        assert said["recommendation_id"]
        refused = function.invoke(http_event("GET", "/v1/popular", query="num_results=x"))
        assert (refused["statusCode"], json.loads(refused["body"])["field"]) == (400, "num_results")
        assert function.invoke(http_event("GET", "/openapi.json"))["statusCode"] == 200


def test_events_are_taken_in(artefacts: Artefacts) -> None:
    event = {"user_id": "v000001", "item_id": "m00001", "event_type": "view"}
    body = json.dumps({"events": [event | {"timestamp": int(time.time() * 1000)}]})
    with artefacts.start("IngestEvents") as function:
        answer = function.invoke(http_event("POST", "/v1/events", body=body))
    assert (answer["statusCode"], json.loads(answer["body"])["accepted"]) == (202, 1)


def activity(user_id: str, now: int) -> dict[str, Any]:
    """A record of the activity table's stream."""
    event = {"user_id": user_id, "item_id": "m00009", "event_type": "view", "timestamp": now}
    keys = {"user_id": {"S": user_id}, "event_key": {"S": f"{now}#x"}}
    image = keys | {"event": {"S": json.dumps(event)}, "origin": {"S": "live"}}
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"SequenceNumber": str(now), "Keys": keys, "NewImage": image},
    }


def batch(size: int) -> str:
    """The body of a request with so many events."""
    event = {"item_id": "m00001", "event_type": "view", "timestamp": int(time.time() * 1000)}
    return json.dumps({"events": [event | {"user_id": f"v{n:06}"} for n in range(size)]})


def test_a_list_is_refreshed_from_the_stream(artefacts: Artefacts) -> None:
    now = int(time.time() * 1000)
    with artefacts.start("RefreshTopk") as function:
        answer = function.invoke({"Records": [activity("v000002", now)]})
    assert answer == {"batchItemFailures": []}
    row = artefacts.platform.stack.lists().get(artefacts.manifest.version, "v000002")
    assert row is not None
    assert (row.source, row.generated_at) == ("refresh", now)


def test_a_version_is_verified(artefacts: Artefacts) -> None:
    with artefacts.start("ReleaseModel") as function:
        said = function.invoke({"step": "verify", "version": artefacts.manifest.version})
    assert said == {"status": "verified", "files": len(artefacts.manifest.files)}


@pytest.mark.parametrize("name", ["CheckRecommendApi", "CheckIngestEvents"])
def test_new_code_is_checked_and_codedeploy_told(artefacts: Artefacts, name: str) -> None:
    hook = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}
    with CodeDeploy() as code_deploy:
        services = {"codedeploy": code_deploy.url, "lambda": artefacts.platform.cloud.lambda_url}
        with artefacts.start(name, services=services) as function:
            assert function.invoke(hook) == {"status": "Succeeded"}
    told = {
        "operation": "PutLifecycleEventHookExecutionStatus",
        "deploymentId": "d-1",
        "lifecycleEventHookExecutionId": "h-1",
        "status": "Succeeded",
    }
    assert code_deploy.heard == [told]


def test_a_function_has_memory_to_spare(artefacts: Artefacts) -> None:
    table = Table(title="Memory, MiB", title_justify="left")
    for column in ("function", "most used", "given"):
        table.add_column(column, justify="left" if column == "function" else "right")
    requests = {
        "RecommendApi": http_event("GET", "/v1/users/v000001/recommendations", query="titles=true"),
        "IngestEvents": http_event("POST", "/v1/events", body=batch(500)),
        "RefreshTopk": {"Records": [activity(f"v{n:06}", n) for n in range(1, 101)]},
        "ReleaseModel": {"step": "verify", "version": artefacts.manifest.version},
    }
    for name, event in requests.items():
        with artefacts.start(name) as function:
            function.invoke(event)
            used, given = function.peak_mib(), artefacts.memory_mb(name)
        table.add_row(name, f"{used:.0f}", str(given))
        assert used < given / 2, name
    Console(width=100).print(table)


@pytest.mark.parametrize("name", ["RecommendApi", "IngestEvents"])
def test_an_api_function_loads_nothing_heavy(artefacts: Artefacts, name: str) -> None:
    code = Code(BUILD / name, LAYER, (Path(__file__).parent / "probe",))
    with artefacts.start(name, code=code, handler="probe.lambda_handler") as function:
        function.invoke(http_event("GET", "/v1/popular"))
        loaded = set(function.invoke({"probe": True}))
    assert {"topshelf", "fastapi", "botocore"} <= loaded
    assert not loaded & NEVER_IN_THE_API
