"""The local cloud as a whole: the real template deploys, and what it plays behaves as AWS."""

import contextlib
import gzip
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.process_id import ProcessId, children_of
from topshelf.aws.clients import create_client
from topshelf.errors import TopshelfError, UnavailableError

HERE = Path(__file__).parent
REAL = HERE.parents[1] / "template.yaml"
CREDENTIALS = Credentials("accesskey", "secretkey", "token")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def options(template: Path, state: Path, **changes: Any) -> LocalCloudOptions:
    cloud, api, lambdas = free_ports(3)
    return LocalCloudOptions(
        template=template,
        cloud_port=cloud,
        api_port=api,
        lambda_port=lambdas,
        state_dir=state,
        **changes,
    )


def eventually[T](ask: Callable[[], T], seconds: float = 15) -> T:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    template = HERE / "local_cloud" / "template.yaml"
    with LocalCloud(options(template, tmp_path_factory.mktemp("state"))) as started:
        started.start()
        yield started


def client(cloud: LocalCloud, service: str, endpoint: str | None = None) -> Any:
    return create_client(service, region="us-east-1", endpoint_url=endpoint or cloud.endpoint_url)


def call(
    cloud: LocalCloud,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    signed: bool = True,
    port: int | None = None,
) -> tuple[int, dict[str, str], bytes]:
    host = f"localhost:{port or cloud.options.api_port}"
    request = AWSRequest(method, f"http://{host}{path}", headers=headers or {}, data=body)
    if signed:
        SigV4Auth(CREDENTIALS, "execute-api", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(host, timeout=40)
    with contextlib.closing(connection):
        connection.request(method, path, body or None, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def objects(cloud: LocalCloud, prefix: str) -> dict[str, bytes]:
    s3 = client(cloud, "s3")
    bucket = cloud.outputs["Bucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in found}


def log_lines(cloud: LocalCloud, function: str) -> list[str]:
    path = cloud.options.state_dir / "logs" / f"{cloud.outputs[function]}.log"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def test_the_real_template_deploys_whole_and_again(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    with LocalCloud(options(REAL, tmp_path)) as cloud:
        # Resources that are missing afterwards would raise.
        cloud.start(lambda *step: steps.append(step))
        assert cloud.failure() is None
        assert steps[-1][1] == steps[-1][2]
        stack = client(cloud, "cloudformation").describe_stacks(StackName="topshelf")["Stacks"][0]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        assert outputs == dict(cloud.outputs)
        assert outputs["ApiUrl"] == cloud.api_url == f"http://localhost:{cloud.options.api_port}"
        function = client(cloud, "lambda").get_function(FunctionName="topshelf-recommend-api")
        variables = function["Configuration"]["Environment"]["Variables"]
        assert variables["TOPSHELF_REGISTRY_TABLE"] == outputs["RegistryTableName"]
        secret = client(cloud, "secretsmanager").get_secret_value(
            SecretId=variables["TOPSHELF_SIGNING_SECRET"]
        )["SecretString"]
        assert len(secret) == 64
        bucket = outputs["BucketName"]
        s3 = client(cloud, "s3")
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        keys = client(cloud, "dynamodb").describe_time_to_live(
            TableName=outputs["ActivityTableName"]
        )["TimeToLiveDescription"]
        assert keys["TimeToLiveStatus"] == "ENABLED"
        # A delivery under the template's own prefix.
        stream = variables_of(cloud, "topshelf-ingest-events")["TOPSHELF_EVENTS_STREAM"]
        firehose = client(cloud, "firehose")
        for line in (b'{"a":1}\n', b'{"a":2}\n'):
            firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": line}])
        cloud.flush()
        found = s3.list_objects_v2(Bucket=bucket, Prefix="events/")["Contents"]
        assert all("!{" not in o["Key"] and o["Key"].endswith(".jsonl.gz") for o in found)
        text = b"".join(
            gzip.decompress(s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read())
            for o in found
        )
        assert sorted(text.splitlines()) == [b'{"a":1}', b'{"a":2}']
        versions = s3.list_object_versions(Bucket=bucket, Prefix="events/")
        assert len(versions["Versions"]) == len(found)
        assert "DeleteMarkers" not in versions
        # Once more onto the same emulator: everything is brought up to date.
        redeploy(cloud, secret)


def variables_of(cloud: LocalCloud, function: str) -> dict[str, str]:
    answer = client(cloud, "lambda").get_function(FunctionName=function)
    variables: dict[str, str] = answer["Configuration"]["Environment"]["Variables"]
    return variables


def redeploy(cloud: LocalCloud, secret: str) -> None:
    from infra.local.deploy import deploy

    again = deploy(cloud._context(cloud._translate()), cloud.api_url, lambda *_: None)
    assert dict(again.outputs) == dict(cloud.outputs)
    name = variables_of(cloud, "topshelf-recommend-api")["TOPSHELF_SIGNING_SECRET"]
    value = client(cloud, "secretsmanager").get_secret_value(SecretId=name)
    assert value["SecretString"] == secret


def test_a_signed_request_reaches_the_function(cloud: LocalCloud) -> None:
    path = "/v1/users/a%2Fb%20%3Fc/x?q=1&q=2&e=%20"
    headers = {"X-Two": "2", "Cookie": "a=1; b=2", "Content-Type": "application/json"}
    status, _, body = call(cloud, "POST", path, body=b'{"k":"v"}', headers=headers)
    assert status == 200
    event = json.loads(body)["event"]
    assert event["routeKey"] == "ANY /v1/{proxy+}"
    assert event["rawPath"] == "/v1/users/a/b "
    assert event["rawQueryString"] == "q=1&q=2&e=%20"
    assert event["queryStringParameters"] == {"q": "1,2", "e": " "}
    assert event["pathParameters"] == {"proxy": "users/a/b "}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-two"] == "2"
    assert event["body"] == '{"k":"v"}'
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "accesskey"


def test_unsigned_requests_are_forbidden_where_the_template_says_so(cloud: LocalCloud) -> None:
    assert call(cloud, "GET", "/v1/x", signed=False)[::2] == (403, b'{"message":"Forbidden"}')
    assert call(cloud, "GET", "/open/x", signed=False)[0] == 200
    assert call(cloud, "GET", "/none", signed=False)[::2] == (404, b'{"message":"Not Found"}')


@pytest.mark.parametrize("path", ["/v1/fail", "/v1/exit", "/v1/sleep"])
def test_what_a_function_does_wrong_is_an_internal_error(cloud: LocalCloud, path: str) -> None:
    assert call(cloud, "GET", path)[::2] == (500, b'{"message":"Internal Server Error"}')
    assert call(cloud, "GET", "/v1/after")[0] == 200


def test_answers_keep_status_headers_and_cookies(cloud: LocalCloud) -> None:
    host = f"localhost:{cloud.options.api_port}"
    request = AWSRequest("GET", f"http://{host}/v1/cookies")
    SigV4Auth(CREDENTIALS, "execute-api", "us-east-1").add_auth(request)
    with contextlib.closing(http.client.HTTPConnection(host)) as connection:
        connection.request("GET", "/v1/cookies", headers=dict(request.headers.items()))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (201, b"ok")
        assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert answer.headers["x-one"] == "1"


def test_limits_of_the_api(cloud: LocalCloud) -> None:
    large = {"X-Large": "x" * 10_240}
    assert call(cloud, "GET", "/open/x", headers=large, signed=False)[0] == 431
    body = b"x" * (10 * 1024 * 1024 + 1)
    status, _, text = call(cloud, "POST", "/v1/x", body=body, signed=False)
    assert (status, text) == (413, b'{"message":"Request Entity Too Large"}')


def test_a_lambda_client_invokes_the_same_function(cloud: LocalCloud) -> None:
    invoker = client(cloud, "lambda", cloud.lambda_url)
    answer = invoker.invoke(FunctionName=cloud.outputs["Web"], Payload=b'{"action":"echo"}')
    assert "FunctionError" not in answer
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"].read())["event"] == {"action": "echo"}
    failed = invoker.invoke(FunctionName=cloud.outputs["Web"], Payload=b'{"action":"/fail"}')
    assert failed["FunctionError"] == "Unhandled"
    error = json.loads(failed["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
    assert "handler.py" in error["stackTrace"][-1]
    started = invoker.invoke(
        FunctionName=cloud.outputs["Web"], InvocationType="Event", Payload=b'{"action":"/log"}'
    )
    assert started["StatusCode"] == 202
    with pytest.raises(invoker.exceptions.ResourceNotFoundException):
        invoker.invoke(FunctionName="nobody")


def test_matching_log_lines_become_exposures(cloud: LocalCloud) -> None:
    assert call(cloud, "GET", "/v1/log")[0] == 200
    cloud.flush()
    found = objects(cloud, "exposures/")
    lines = [line for body in found.values() for line in gzip.decompress(body).splitlines()]
    assert lines
    assert all(json.loads(line) == {"recommendation_id": "r1", "user_id": "ü"} for line in lines)
    assert all(key.startswith("exposures/dt=20") for key in found)
    logs = client(cloud, "logs")
    messages = [
        event["message"]
        for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{cloud.outputs['Web']}")[
            "events"
        ]
    ]
    assert {"loaded", "not json"} <= set(messages)
    assert "not json" in log_lines(cloud, "Web")


def test_stream_records_reach_the_function_once_and_poison_the_queue(cloud: LocalCloud) -> None:
    table, dynamodb = cloud.outputs["Table"], client(cloud, "dynamodb")
    for name, more in (
        ("one", {"origin": {"S": "live"}}),
        ("imported", {"origin": {"S": "import"}}),
        ("two", {"origin": {"S": "live"}, "n": {"N": "1.5"}, "b": {"B": b"\0\1"}}),
        ("bad", {"origin": {"S": "live"}, "poison": {"BOOL": True}}),
        ("three", {"origin": {"S": "live"}}),
    ):
        dynamodb.put_item(TableName=table, Item={"id": {"S": name}, **more})
    cloud.flush()
    seen = [json.loads(line) for line in log_lines(cloud, "Listener") if "got" in line]
    assert [line["got"] for line in seen] == ["one", "two", "three"]
    record = seen[1]["record"]
    assert record["eventName"] == "INSERT"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["awsRegion"] == "us-east-1"
    assert f":table/{table}/stream/" in record["eventSourceARN"]
    change = record["dynamodb"]
    assert change["Keys"] == {"id": {"S": "two"}}
    assert change["NewImage"]["b"] == {"B": "AAE="}
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    assert change["StreamViewType"] == "NEW_IMAGE"
    answer = client(cloud, "sqs").receive_message(QueueUrl=cloud.outputs["Failures"])
    message = json.loads(answer["Messages"][0]["Body"])
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["DDBStreamBatchInfo"]["batchSize"] == 1


def workers() -> set[ProcessId]:
    own = ProcessId.of(os.getpid())
    assert own is not None
    return {child.process for child in children_of(own) if "infra.local.worker" in child.command}


def test_a_worker_that_is_killed_is_replaced(cloud: LocalCloud) -> None:
    assert call(cloud, "GET", "/v1/x")[0] == 200
    killed = workers()
    assert killed
    for worker in killed:
        os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: not any(worker.alive() for worker in killed))
    assert call(cloud, "GET", "/v1/x")[0] == 200
    assert cloud.failure() is None


def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path: Path) -> None:
    template = HERE / "local_cloud" / "template.yaml"
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "topshelf-web.log").symlink_to("/dev/full")
    with LocalCloud(options(template, tmp_path)) as cloud:
        cloud.start()
        # It is told, and what was asked for is done all the same.
        assert call(cloud, "GET", "/v1/log")[0] == 200
        line = eventually(cloud.failure)
        assert f"cannot write to {logs} (No space left on device)" in line
        assert "\n" not in line


def test_a_log_that_cannot_be_opened_is_one_line_and_leaves_no_worker(tmp_path: Path) -> None:
    template = HERE / "local_cloud" / "template.yaml"
    (tmp_path / "logs" / "topshelf-web.log").mkdir(parents=True)
    before = workers()
    with LocalCloud(options(template, tmp_path)) as cloud:
        cloud.start()
        assert call(cloud, "GET", "/v1/x")[0] >= 500
        assert f"cannot write to {tmp_path}/logs (Is a directory)" in eventually(cloud.failure)
        # Gone while the cloud still runs, not with it.
        eventually(lambda: not workers() - before)


def test_a_folder_for_logs_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(UnavailableError, match=f"cannot write to {tmp_path}/logs"):
        LocalCloud(options(REAL, tmp_path)).start()


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    wanted = options(REAL, tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted.lambda_port))
        other.listen()
        cloud = LocalCloud(wanted)
        with pytest.raises(UnavailableError, match=rf"port {wanted.lambda_port}.*--lambda-port"):
            cloud.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", wanted.api_port))


def test_without_a_localstack_there_is_advice(tmp_path: Path) -> None:
    wanted = replace(options(REAL, tmp_path), emulator="localstack")
    with pytest.raises(UnavailableError, match="localstack start"):
        LocalCloud(wanted).start()


def test_what_it_cannot_create_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Topic: {Type: 'AWS::SNS::Topic'}}")
    cloud = LocalCloud(options(template, tmp_path))
    with pytest.raises(TopshelfError, match=r"cannot create Topic \(AWS::SNS::Topic\)"):
        cloud.start()
    with socket.socket() as probe:
        # Connections that were just closed do not count, somebody who listens does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", cloud.options.cloud_port))


def test_a_dead_emulator_is_told_in_one_line(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")
    with LocalCloud(options(template, tmp_path)) as cloud:
        cloud.start()
        assert cloud.failure() is None
        process = getattr(cloud._emulator, "_process")  # noqa: B009
        os.kill(process.pid, signal.SIGKILL)
        line = eventually(cloud.failure)
        assert "the emulated AWS ended" in line
        assert "\n" not in line
