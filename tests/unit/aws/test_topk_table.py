"""Top-K tables where DynamoDB throttles, refuses, or holds what nobody can read."""

from datetime import date
from typing import Any

import pytest

from tests.fakes.aws_client import ScriptedClient, refusal
from topshelf.aws.topk_table import TopKTable, TopKTableImport
from topshelf.errors import ConflictError, NotFoundError, UnavailableError
from topshelf.topk import pack_scores

DAY = date(2026, 1, 1)


def row(user_id: str) -> dict[str, Any]:
    return {
        "user_id": {"S": user_id},
        "items": {"S": "m1 m2"},
        "scores": {"B": pack_scores([2, 1])},
        "source": {"S": "batch"},
        "generated_at": {"N": "1"},
    }


def answer(found: list[str], held_back: list[str]) -> dict[str, Any]:
    keys = {"Keys": [{"user_id": {"S": user_id}} for user_id in held_back]}
    return {
        "Responses": {"topk-v1": [row(user_id) for user_id in found]},
        "UnprocessedKeys": {"topk-v1": keys} if held_back else {},
    }


def imports(client: ScriptedClient) -> TopKTableImport:
    return TopKTableImport(client, prefix="topk", bucket="b")


def sampled(client: ScriptedClient, *user_ids: str) -> set[str]:
    return set(imports(client).sample("v1", user_ids))


def asked(client: ScriptedClient) -> list[list[str]]:
    return [
        [key["user_id"]["S"] for key in arguments["RequestItems"]["topk-v1"]["Keys"]]
        for _, arguments in client.calls
    ]


def test_rows_that_are_held_back_are_asked_again() -> None:
    client = ScriptedClient(answer(["u1"], ["u2", "u3"]), answer(["u2"], []))
    # The third is not there: the import is judged by that, not by throttling.
    assert sampled(client, "u1", "u2", "u3") == {"u1", "u2"}
    assert asked(client) == [["u1", "u2", "u3"], ["u2", "u3"]]


@pytest.mark.parametrize("responses", [{}, {"topk-v1": []}])
def test_a_sample_throttled_to_nothing_is_told(responses: dict[str, Any]) -> None:
    nothing = answer([], ["u2"]) | {"Responses": responses}
    client = ScriptedClient(answer(["u1"], ["u2"]), nothing)
    with pytest.raises(UnavailableError, match="throttled; check the import again"):
        sampled(client, "u1", "u2")
    assert len(client.calls) == 2


def test_a_row_that_is_not_there_is_no_reason_to_ask_again() -> None:
    client = ScriptedClient(answer([], []))
    assert sampled(client, "u1") == set()
    assert len(client.calls) == 1


def test_a_second_import_of_a_version_is_refused() -> None:
    with pytest.raises(ConflictError):
        imports(ScriptedClient(refusal("ResourceInUseException"))).start("v1")


STARTED = {"ImportTableDescription": {"ImportArn": "arn"}}


def started(version: str, **more: str) -> dict[str, Any]:
    client = ScriptedClient(STARTED)
    names = {"prefix": "topk", "bucket": "b", **more}
    assert TopKTableImport(client, **names).start(version) == "arn"
    return client.calls[0][1]


def test_an_import_asked_for_again_is_the_same_and_another_stacks_is_not() -> None:
    token = started("v1")["ClientToken"]
    assert started("v1")["ClientToken"] == token
    others = {started("v2")["ClientToken"], started("v1", prefix="staging-topk")["ClientToken"]}
    assert len({token, *others}) == 3
    assert all(1 <= len(each) <= 36 for each in (token, *others))


def test_a_key_of_ones_own_encrypts_the_table() -> None:
    assert "SSESpecification" not in started("v1")["TableCreationParameters"]
    wanted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "arn:key"}
    given = started("v1", kms_key_arn="arn:key")["TableCreationParameters"]
    assert given["SSESpecification"] == wanted


def test_an_unknown_import_is_told() -> None:
    with pytest.raises(NotFoundError):
        imports(ScriptedClient(refusal("ImportNotFoundException"))).report("arn")


def test_a_failed_import_tells_why() -> None:
    said = {
        "ImportStatus": "FAILED",
        "ErrorCount": 3,
        "FailureCode": "ItemValidationError",
        "FailureMessage": "too large",
    }
    report = imports(ScriptedClient({"ImportTableDescription": said})).report("arn")
    assert (report.status, report.errors) == ("failed", 3)
    assert report.detail == "ItemValidationError too large"


def test_a_throttled_read_is_unavailable() -> None:
    throttled: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {"topk-v1": {}}}
    table = TopKTable(ScriptedClient(throttled, throttled), prefix="topk", activity_table="a")
    with pytest.raises(UnavailableError, match="throttled"):
        table.read("v1", "u", [DAY])
    with pytest.raises(UnavailableError, match="throttled"):
        table.titles("v1", ["m1"])


@pytest.mark.parametrize(
    "damage",
    [
        {"scores": {"B": b"\x00"}},
        {"scores": {"B": pack_scores([1])}},
        {"scores": {"S": "AAAA"}},
        {"items": {"L": []}},
        {"generated_at": {"N": "soon"}},
        {"source": None},
    ],
)
def test_a_damaged_row_is_as_good_as_none(damage: dict[str, Any]) -> None:
    damaged = {name: value for name, value in (row("u") | damage).items() if value is not None}
    client = ScriptedClient({"Item": damaged}, {"Responses": {"topk-v1": [damaged]}})
    table = TopKTable(client, prefix="topk", activity_table="a")
    with pytest.raises(UnavailableError, match="damaged"):
        table.popular("v1")
    with pytest.raises(UnavailableError, match="damaged"):
        table.read("v1", "u", [DAY])
