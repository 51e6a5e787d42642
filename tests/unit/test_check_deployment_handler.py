"""What CodeDeploy hears, whatever becomes of the asking."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY, Stubber

from functions.check_deployment import handler
from topshelf.aws.clients import create_client
from topshelf.errors import UnavailableError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:topshelf-ingest-events:7"
ASKED = {"DeploymentId": "d-123456789", "LifecycleEventHookExecutionId": "eyJlbmNyeXB0"}


class Cloud:
    """AWS as botocore sees it: requests and answers are checked against its own models."""

    def __init__(self) -> None:
        self.clients = {name: create_client(name, "us-east-1") for name in ("codedeploy", "lambda")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}

    def answers(self, payload: Any, **more: Any) -> None:
        raw = io.BytesIO(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        self.stubs["lambda"].add_response(
            "invoke",
            {"StatusCode": 200, "Payload": raw, **more},
            {"FunctionName": ARN, "Payload": ANY},
        )

    def hears(self, status: str) -> None:
        self.stubs["codedeploy"].add_response(
            "put_lifecycle_event_hook_execution_status",
            {"lifecycleEventHookExecutionId": ASKED["LifecycleEventHookExecutionId"]},
            {
                "deploymentId": ASKED["DeploymentId"],
                "lifecycleEventHookExecutionId": ASKED["LifecycleEventHookExecutionId"],
                "status": status,
            },
        )


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("TOPSHELF_CHECKED_FUNCTION", ARN),
        ("TOPSHELF_CHECKED_KIND", "ingest"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    made = Cloud()
    monkeypatch.setattr(handler, "create_client", lambda service, *_, **__: made.clients[service])
    monkeypatch.setattr(handler.time, "sleep", lambda _: None)
    with made.stubs["codedeploy"], made.stubs["lambda"]:
        yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


REFUSED = {"statusCode": 400, "body": json.dumps({"status": 400, "field": "events"})}


def test_a_version_that_answers_lets_the_deployment_go_on(cloud: Cloud) -> None:
    cloud.answers(REFUSED)
    cloud.hears("Succeeded")
    assert handler.lambda_handler(ASKED, None) == {"status": "Succeeded"}


def test_a_version_that_answers_wrongly_has_it_taken_back(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        cloud.answers({"statusCode": 500, "body": "{}"})
    cloud.hears("Failed")
    assert handler.lambda_handler(ASKED, None) == {"status": "Failed"}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "POST /v1/events: expected 400" in caplog.text


def test_a_version_that_does_not_start_has_it_taken_back(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.answers({"errorMessage": "settings: TOPSHELF_AUTHORIZER"}, FunctionError="Unhandled")
    cloud.hears("Failed")
    handler.lambda_handler(ASKED, None)
    assert "settings: TOPSHELF_AUTHORIZER" in caplog.text


def test_no_answer_at_all_has_it_taken_back(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://lambda")

    monkeypatch.setattr(cloud.clients["lambda"], "invoke", silent)
    cloud.hears("Failed")
    assert handler.lambda_handler(ASKED, None) == {"status": "Failed"}


def test_an_answer_that_is_not_json_has_it_taken_back(cloud: Cloud) -> None:
    cloud.answers(b"{")
    cloud.hears("Failed")
    assert handler.lambda_handler(ASKED, None) == {"status": "Failed"}


@pytest.mark.parametrize(
    ("name", "value"), [("TOPSHELF_CHECKED_FUNCTION", ""), ("TOPSHELF_CHECKED_KIND", "rank")]
)
def test_settings_that_are_wrong_have_it_taken_back(
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    cloud.hears("Failed")
    assert handler.lambda_handler(ASKED, None) == {"status": "Failed"}
    assert name in caplog.text


def test_where_codedeploy_does_not_hear_it_lambda_calls_again(cloud: Cloud) -> None:
    cloud.answers(REFUSED)
    cloud.stubs["codedeploy"].add_client_error(
        "put_lifecycle_event_hook_execution_status", "ThrottlingException"
    )
    with pytest.raises(UnavailableError, match="CodeDeploy: ThrottlingException"):
        handler.lambda_handler(ASKED, None)
