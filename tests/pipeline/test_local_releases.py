"""Releases on this machine: copies that come back as they were."""

import json
from pathlib import Path

import pytest

from infra.local.translate import translate
from infra.pipeline.local.cloud import LocalStage
from infra.pipeline.local.releases import RELEASE, Releases
from infra.pipeline.local.rollout import LocalRollout
from infra.pipeline.stage import Stage
from tests.conftest import ROOT
from topshelf.errors import ConflictError, NotFoundError

TEMPLATE = """\
Globals: {Function: {Runtime: python3.13}}
Resources:
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/core/}}
  Answer:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/answer/, Handler: handler.x}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    source = tmp_path / "checkout"
    for part in ("functions/answer", "layers/core"):
        (source / part).mkdir(parents=True)
    (source / "functions/answer/handler.py").write_text("x = 1\n")
    (source / "template.yaml").write_text(TEMPLATE)
    return source


def test_a_release_is_its_content(tmp_path: Path, checkout: Path) -> None:
    releases = Releases(tmp_path / "stage")
    first = releases.add(checkout)
    (checkout / "functions/answer/__pycache__").mkdir()
    (checkout / "functions/answer/__pycache__/handler.pyc").write_text("compiled")
    assert releases.add(checkout) == first
    (checkout / "functions/answer/handler.py").write_text("x = 2\n")
    second = releases.add(checkout)
    assert second != first
    releases.choose(first)
    template = json.loads(releases.template.read_text())
    code = Path(template["Resources"]["Answer"]["Properties"]["CodeUri"])
    assert (code / "handler.py").read_text() == "x = 1\n"
    assert template["Globals"]["Function"]["Environment"]["Variables"] == {RELEASE: first}
    assert releases.current() == first


def test_the_last_three_are_kept(tmp_path: Path, checkout: Path) -> None:
    releases = Releases(tmp_path / "stage")
    made = []
    for number in range(4):
        (checkout / "functions/answer/handler.py").write_text(f"x = {number}\n")
        made.append(releases.add(checkout))
        releases.choose(made[-1])
        releases.prune()
    with pytest.raises(NotFoundError, match=f"{made[0]} is no longer in"):
        releases.choose(made[0])
    releases.choose(made[1])
    assert releases.current() == made[1]


def test_the_platforms_own_template_is_released_with_all_its_code(tmp_path: Path) -> None:
    releases = Releases(tmp_path / "stage")
    releases.choose(releases.add(ROOT))
    told = translate(releases.template, {}, "us-east-1")
    assert told.code
    assert all(tmp_path in path.parents for path in told.code.values())


def test_a_folder_without_a_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no template\.yaml"):
        Releases(tmp_path / "stage").add(tmp_path)


def test_where_nothing_runs_nothing_is_promoted_or_gone_back_to(tmp_path: Path) -> None:
    stage = Stage("production", "topshelf", "us-east-1", {})
    rollout = LocalRollout(LocalStage(stage, tmp_path), ROOT, lambda: lambda *_: None)
    assert rollout.before() == {}
    with pytest.raises(ConflictError, match="does not run"):
        rollout.promote()
    with pytest.raises(NotFoundError, match="nothing to go back to"):
        rollout.roll_back({})
    with pytest.raises(NotFoundError, match="make deploy STAGE=production TARGET=local"):
        rollout.local.connect()
