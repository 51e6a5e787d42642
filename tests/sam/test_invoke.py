"""Every function in Lambda's container, called by ``sam local invoke`` with a recorded event."""

import json

import pytest

from tests.events.reading import events_of, request_of, told_anew
from tests.sam.code_deploy import CodeDeploy
from tests.sam.conftest import Figures
from tests.sam.local import SamLocal, comparable
from tests.sam.released import Released, functions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INVOKED = {
    "CheckIngestEvents": "hook",
    "CheckRecommendApi": "hook",
    "IngestEvents": "events",
    "RecommendApi": "recommendations",
    "RefreshTopk": "activity",
    "ReleaseModel": "1-verify",
}
"""Which recorded event each function is invoked with, in a test below."""

Variables = dict[str, dict[str, str]]


def test_every_function_of_the_template_is_invoked_with_a_recorded_event() -> None:
    assert set(INVOKED) == set(functions()), "record an event, and add a test of its invocation"
    for function, name in INVOKED.items():
        assert name in events_of(function), "python -m tests.events.record"


@pytest.mark.parametrize("function", ["IngestEvents", "RecommendApi"])
def test_a_request_is_answered_as_the_local_cloud_answers_it(
    function: str,
    sam_local: SamLocal,
    platform: Released,
    variables: Variables,
    figures: Figures,
) -> None:
    event = events_of(function)[INVOKED[function]]
    said = sam_local.invoke(function, event, variables).said
    status, body = platform.call(*request_of(event))
    figures.add(f"sam local invoke {function}: {event['routeKey']}", str(said["statusCode"]))
    assert (said["statusCode"], status) in {(200, 200), (202, 202)}
    assert comparable(said["body"]) == comparable(body)


def test_a_viewers_list_is_refreshed_by_a_record_of_the_stream(
    sam_local: SamLocal, platform: Released, variables: Variables, figures: Figures
) -> None:
    event = events_of("RefreshTopk")[INVOKED["RefreshTopk"]]
    said = sam_local.invoke("RefreshTopk", event, variables).said
    assert said == {"batchItemFailures": []}
    happened = json.loads(event["Records"][0]["dynamodb"]["NewImage"]["event"]["S"])
    row = platform.lists().get(platform.manifest.version, happened["user_id"])
    assert row is not None
    assert (row.source, row.generated_at) == ("refresh", happened["timestamp"])
    figures.add("sam local invoke RefreshTopk: a stream's record", "no failures, list refreshed")


def test_a_version_is_verified(
    sam_local: SamLocal, platform: Released, variables: Variables, figures: Figures
) -> None:
    recorded = events_of("ReleaseModel")[INVOKED["ReleaseModel"]]
    event = told_anew(recorded, {recorded["version"]: platform.manifest.version})
    said = sam_local.invoke("ReleaseModel", event, variables).said
    assert said == {"status": "verified", "files": len(platform.manifest.files)}
    figures.add("sam local invoke ReleaseModel: verify", said["status"])


@pytest.mark.parametrize("function", ["CheckIngestEvents", "CheckRecommendApi"])
def test_a_new_version_is_checked_and_code_deploy_hears_of_it(
    function: str,
    sam_local: SamLocal,
    code_deploy: CodeDeploy,
    variables: Variables,
    figures: Figures,
) -> None:
    event = events_of(function)[INVOKED[function]]
    code_deploy.reports.clear()
    invoked = sam_local.invoke(function, event, variables)
    assert invoked.said == {"status": "Succeeded"}, invoked.log
    assert code_deploy.reports == [
        {
            "deploymentId": event["DeploymentId"],
            "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
            "status": "Succeeded",
        }
    ]
    figures.add(f"sam local invoke {function}: a deployment's hook", invoked.said["status"])
