"""The template by sam's own rules, and the build of every function."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.sam.local import BUILD, sam
from tests.sam.released import functions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FAULTY = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: FREE
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
"""


def test_sam_finds_no_fault_in_the_template() -> None:
    done = sam("validate", "--lint", "--template", str(ROOT / "template.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_sam_finds_a_fault_that_is_there(tmp_path: Path) -> None:
    template = tmp_path / "faulty.yaml"
    template.write_text(FAULTY)
    done = sam("validate", "--lint", "--template", str(template))
    assert done.returncode != 0
    assert "FREE" in done.stdout + done.stderr


@pytest.mark.parametrize("function", functions())
def test_every_function_is_built(function: str) -> None:
    assert (BUILD / function / "handler.py").exists()
