"""The local cloud as a whole: the real template deploys, and what it plays behaves as AWS."""

import contextlib
import gzip
import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest

from infra.local.cloud import LocalCloud
from tests.builders.local_cloud import REAL, SMALL, call, options, signed
from topshelf.aws.clients import create_client


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(options(SMALL, tmp_path_factory.mktemp("state"))) as started:
        started.start()
        yield started


def client(cloud: LocalCloud, service: str, endpoint: str | None = None) -> Any:
    return create_client(service, region="us-east-1", endpoint_url=endpoint or cloud.endpoint_url)


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
    assert call(cloud, "GET", "/v1/x", sign=False)[::2] == (403, b'{"message":"Forbidden"}')
    assert call(cloud, "GET", "/open/x", sign=False)[0] == 200
    assert call(cloud, "GET", "/none", sign=False)[::2] == (404, b'{"message":"Not Found"}')


@pytest.mark.parametrize("path", ["/v1/fail", "/v1/exit", "/v1/sleep"])
def test_what_a_function_does_wrong_is_an_internal_error(cloud: LocalCloud, path: str) -> None:
    assert call(cloud, "GET", path)[::2] == (500, b'{"message":"Internal Server Error"}')
    assert call(cloud, "GET", "/v1/after")[0] == 200


def test_answers_keep_status_headers_and_cookies(cloud: LocalCloud) -> None:
    host = f"localhost:{cloud.options.api_port}"
    request = AWSRequest("GET", f"http://{host}/v1/cookies")
    with contextlib.closing(http.client.HTTPConnection(host)) as connection:
        connection.request("GET", "/v1/cookies", headers=signed(request))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (201, b"ok")
        assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert answer.headers["x-one"] == "1"


def test_limits_of_the_api(cloud: LocalCloud) -> None:
    large = {"X-Large": "x" * 10_240}
    assert call(cloud, "GET", "/open/x", headers=large, sign=False)[0] == 431
    body = b"x" * (10 * 1024 * 1024 + 1)
    status, _, text = call(cloud, "POST", "/v1/x", body=body, sign=False)
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
