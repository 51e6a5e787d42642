"""A template that changes: what is new comes, what is gone goes, and what holds data stays."""

import copy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli.control import Control
from infra.cli.updating import serve, update
from infra.local.rollout import Changes
from infra.local.run_record import RunRecords
from tests.builders.changing_template import BASE, OTHER_KEY, Engineer, route, table
from tests.builders.records import run_record
from topshelf.errors import UnavailableError


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engineer]:
    one = Engineer(tmp_path_factory.mktemp("engineer"))
    one.write()
    one.start()
    yield one
    one.cloud.stop()


@pytest.fixture
def engineer(running: Engineer) -> Engineer:
    """With the template that every test begins with, and what it holds left from the last."""
    running.resources = dict(BASE)
    running.write()
    running.cloud.update()
    return running


def names(entries: tuple[str, ...]) -> list[str]:
    return [entry.split(" ")[0] for entry in entries]


def changed(engineer: Engineer, change: Callable[[dict[str, Any]], None]) -> Changes:
    resources = copy.deepcopy(engineer.resources)
    change(resources)
    engineer.resources = resources
    engineer.write()
    return engineer.cloud.update()


def test_a_template_changes_under_a_cloud_that_runs(engineer: Engineer) -> None:
    cloud = engineer.cloud
    assert engineer.get("/old") == (200, "1")
    engineer.put("first")
    engineer.client("s3").put_object(Bucket=cloud.outputs["Lake"], Key="k", Body=b"v")
    secret = engineer.client("secretsmanager").get_secret_value(SecretId=cloud.outputs["Secret"])
    cloud.flush()
    assert engineer.heard() == ["got first"]

    # The same, and the same in other words.
    assert cloud.update() == Changes()
    engineer.template.write_text(engineer.template.read_text() + "# a word\n")
    assert cloud.update().lines() == []

    def first(resources: dict[str, Any]) -> None:
        resources["Queue"] = {"Type": "AWS::SQS::Queue"}
        web = resources["Web"]["Properties"]
        web["Environment"]["Variables"]["ROUND"] = "2"
        web["Events"] = {"New": route("/new")}
        del resources["Gone"], resources["Lake"], resources["Empty"]

    before = engineer.tables()
    said = changed(engineer, first)
    assert "Queue" in names(said.added)
    assert {"Web", "Api"} <= set(names(said.changed))
    assert {"Gone", "Empty"} <= set(names(said.removed))
    # As CloudFormation has it: what is not empty is not deleted.
    assert names(said.retained) == ["Lake"]
    assert "BucketNotEmpty" in said.retained[0]
    assert engineer.get("/new") == (200, "2")
    assert engineer.get("/old")[0] == 404
    assert len(engineer.tables()) == len(before) - 1
    assert not any("empty" in name for name in engineer.buckets())

    # Each record once, whoever played before.
    engineer.put("second")
    cloud.flush()
    assert engineer.heard() == ["got first", "got second"]
    found = engineer.client("dynamodb").scan(TableName=cloud.outputs["Kept"])["Items"]
    assert sorted(item["id"]["S"] for item in found) == ["first", "second"]
    same = engineer.client("secretsmanager").get_secret_value(SecretId=cloud.outputs["Secret"])
    assert same["SecretString"] == secret["SecretString"]

    # One that goes although others need it to be there first: the last made goes first.
    def second(resources: dict[str, Any]) -> None:
        del resources["Listener"], resources["Kept"], resources["Queue"], resources["Secret"]

    kept = cloud.outputs["Kept"]
    said = changed(engineer, second)
    assert {"Listener", "Queue", "Secret"} <= set(names(said.removed))
    assert names(said.retained) == ["Kept"]
    assert kept in said.retained[0]
    assert kept in engineer.tables()
    assert engineer.client("secretsmanager").list_secrets()["SecretList"] == []
    assert cloud.failure() is None


def test_a_table_of_another_key_is_another_table(engineer: Engineer) -> None:
    old = engineer.cloud.outputs["Kept"]
    engineer.put("one")

    def change(resources: dict[str, Any]) -> None:
        resources["Kept"] = table(OTHER_KEY, DeletionPolicy="Retain", UpdateReplacePolicy="Retain")
        resources["Gone"] = table(OTHER_KEY)

    said = changed(engineer, change)
    assert {"Kept", "Gone"} == set(names(said.replaced))
    assert names(said.removed) == ["Gone"]
    assert names(said.retained) == ["Kept"]
    new = engineer.cloud.outputs["Kept"]
    assert new != old
    assert {old, new} <= set(engineer.tables())
    found = engineer.client("dynamodb").scan(TableName=old)["Items"]
    assert {"id": {"S": "one"}} in found
    # And back: the one of before is found again.
    engineer.resources = dict(BASE)
    engineer.write()
    engineer.cloud.update()
    assert engineer.cloud.outputs["Kept"] == old


def test_a_change_that_cannot_be_deployed_leaves_what_ran(engineer: Engineer) -> None:
    before = sorted(engineer.tables())

    def change(resources: dict[str, Any]) -> None:
        resources["New"] = table()
        resources["Web"]["Properties"]["Environment"]["Variables"]["ROUND"] = "2"
        resources["Broken"] = {
            "Type": "AWS::SQS::Queue",
            "DependsOn": ["New", "Web"],
            "Properties": {"VisibilityTimeout": "soon"},
        }

    with pytest.raises(UnavailableError, match=r"(?s)Broken .*what ran before goes on"):
        changed(engineer, change)
    assert sorted(engineer.tables()) == before
    assert engineer.get("/old") == (200, "1")
    engineer.template.write_text("Resources: {Broker: {Type: 'AWS::AmazonMQ::Broker'}}")
    with pytest.raises(UnavailableError, match=r"cannot create Broker.*what ran before goes on"):
        engineer.cloud.update()
    engineer.template.write_text("{")
    with pytest.raises(UnavailableError, match=r"(?s)cannot read.*what ran before goes on"):
        engineer.cloud.update()
    assert engineer.get("/old") == (200, "1")
    engineer.resources = dict(BASE)
    engineer.write()
    assert engineer.cloud.update() == Changes()


def test_whoever_says_up_again_has_the_change_deployed(
    engineer: Engineer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = RunRecords(tmp_path)
    record = run_record(cloud_port=1, template="old")
    records.claim(record)
    over: list[str] = []
    monkeypatch.setattr(engineer.cloud, "failure", lambda: over[0] if over else None)
    noted: list[str] = []

    def watch(control: Control) -> None:
        with pytest.raises(UnavailableError, match="over"):
            serve(engineer.cloud, control, noted.append)

    with Control(records.folder(1)) as control:
        watching = threading.Thread(target=watch, args=(control,))
        watching.start()
        update(records, record)
        assert "template.yaml is deployed at" in capsys.readouterr().out
        engineer.write({**BASE, "Queue": {"Type": "AWS::SQS::Queue"}})
        update(records, record)
        assert "  added: Queue (SQS::Queue)\n" in capsys.readouterr().out
        engineer.template.write_text("{")
        with pytest.raises(UnavailableError, match="what ran before goes on"):
            update(records, record)
        over.append("over")
        watching.join(10)
    assert len(noted) == 2
    assert noted[0] != noted[1]


def test_a_template_that_changed_between_two_runs(engineer: Engineer) -> None:
    cloud = engineer.cloud
    engineer.put("kept")
    engineer.client("s3").put_object(Bucket=cloud.outputs["Lake"], Key="k", Body=b"v")
    arn = cloud.outputs["Secret"]
    secret = engineer.client("secretsmanager").get_secret_value(SecretId=arn)
    cloud.flush()
    heard = engineer.heard()
    assert heard[-1] == "got kept"
    cloud.stop()

    resources = dict(BASE)
    del resources["Gone"], resources["Empty"], resources["Lake"]
    resources["More"] = table()
    engineer.write(resources)
    engineer.start()
    said = engineer.cloud.changes
    assert names(said.added) == ["More"]
    assert set(names(said.removed)) == {"Gone", "Empty"}
    assert names(said.retained) == ["Lake"]
    assert [name for name in engineer.tables() if "More" in name]
    # What did not change is as it was, and nothing is played twice.
    engineer.cloud.flush()
    assert engineer.heard() == heard
    assert engineer.cloud.outputs["Secret"] == arn
    again = engineer.client("secretsmanager").get_secret_value(SecretId=arn)
    assert again["SecretString"] == secret["SecretString"]
