"""``topshelf import-events``: what it says and where it reads."""

import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.cli import main as cli
from infra.cli.stack import Stack
from tests.fakes.event_ports import FakeActivity
from topshelf.events import DEFAULT_POLICY

CSV = b"USER_ID,ITEM_ID,TIMESTAMP\nu,m,1700000000\n"


class FakeStack:
    """As much of a stack as an import takes; S3 holds one object and takes what it is given."""

    def __init__(self) -> None:
        self.outputs = {"BucketName": "lake"}
        self.put: list[str] = []
        self.recorded = FakeActivity()

    def client(self, _service: str) -> "FakeStack":
        return self

    def activity(self) -> FakeActivity:
        return self.recorded

    def policy(self) -> object:
        return DEFAULT_POLICY

    def registry(self) -> object:
        return SimpleNamespace(champion=lambda: None)

    def put_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        self.put.append(Key)

    def get_paginator(self, _operation: str) -> object:
        listed = {"Contents": [{"Key": "in/interactions.csv"}]}
        return SimpleNamespace(paginate=lambda **_: [listed])

    def get_object(self, *, Key: str, **_: Any) -> dict[str, BytesIO]:  # noqa: N803
        if Key.startswith("imports/"):
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(CSV)}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    fake = FakeStack()
    monkeypatch.setattr(Stack, "connect", lambda *_: fake)
    return fake


def run(monkeypatch: pytest.MonkeyPatch, path: str) -> int:
    monkeypatch.setattr(sys, "argv", ["topshelf", "import-events", path])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_directory(
    stack: FakeStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "interactions.csv").write_bytes(CSV)
    (tmp_path / "users.csv").write_text("USER_ID,AGE\nu,30\n")
    assert run(monkeypatch, str(tmp_path)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "as CSV with Personalize's columns: interactions.csv; not used: users.csv" in said
    assert "1 rows on the viewers themselves were read; they are not used" in said
    assert [key.split("/")[0] for key in stack.put] == ["imports", "events"]
    assert len(stack.recorded.newest("u")) == 1


@pytest.mark.parametrize(
    ("path", "name"), [("-", "standard input"), ("s3://lake/in/", "interactions.csv")]
)
def test_standard_input_and_s3(
    path: str,
    name: str,
    stack: FakeStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(CSV)))
    assert run(monkeypatch, path) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"reading {path} as CSV with Personalize's columns: {name}" in said
    assert len(stack.recorded.newest("u")) == 1
