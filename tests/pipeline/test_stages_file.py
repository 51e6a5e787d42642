"""What a stage is deployed as, and how the end of a run is told."""

from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from infra.pipeline import notify
from infra.pipeline.aws.sam import command
from infra.pipeline.stage import Stage, Target, read_stage
from tests.conftest import ROOT
from tests.pipeline.aws_answers import aws
from topshelf.errors import InvalidInputError, NotFoundError


def test_sam_deploys_what_was_built_and_asks_nothing(tmp_path: Path) -> None:
    stage = Stage("staging", "topshelf-staging", "eu-west-1", {"Known": "1"})
    with pytest.raises(NotFoundError, match="run `make build`"):
        command(Path("sam"), tmp_path, stage)
    parameters = "Parameters:\n  Architecture: {Default: x86_64}\n  Known: {Default: 0}\n"
    (tmp_path / "template.yaml").write_text(parameters)
    words = command(Path("/sam"), tmp_path, stage)
    assert words[:2] == ["/sam", "deploy"]
    assert {"--stack-name=topshelf-staging", "--region=eu-west-1"} <= set(words)
    assert {"--no-confirm-changeset", "--no-fail-on-empty-changeset"} <= set(words)
    assert words[-3:] == ["--parameter-overrides", "Known=1", "Architecture=x86_64"]
    with pytest.raises(InvalidInputError, match="the template has no parameter Other"):
        command(Path("sam"), tmp_path, Stage("staging", "s", "eu-west-1", {"Other": "1"}))


def test_the_stages_file_fits_the_template() -> None:
    declared = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    for name in ("staging", "production"):
        for target in Target:
            stage = read_stage(name, target)
            assert stage.parameters.keys() <= declared.keys()
            for parameter, value in stage.parameters.items():
                assert value in declared[parameter].get("AllowedValues", [value])
    assert read_stage("production", Target.AWS).parameters["DeploymentType"].startswith("Canary")


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ('[a]\nstack = "s"\nregion = "us-east-1"', "stage", "no stage 'staging'; it has a"),
        ('[staging]\nstack = "s"\n', "region", "staging: field required"),
        ('[staging]\nstack = "s s"\nregion = "us-east-1"', "stack", "string should match"),
        ('[staging]\nstack = "s"\nregion = "us-east-1"\nx = 1', "x", "extra inputs"),
        ("[staging", "stages", "cannot be read"),
    ],
)
def test_a_stages_file_that_is_wrong_is_told(
    tmp_path: Path, text: str, field: str, told: str
) -> None:
    path = tmp_path / "stages.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=told) as caught:
        read_stage("staging", Target.AWS, path)
    assert caught.value.field == field


def test_a_notice_is_published_in_one_line_and_more() -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:notices"
    subject = notify.subject_of("FAILURE", "jenkins-topshelf-main-7\n é")
    assert subject == "topshelf jenkins-topshelf-main-7 ?: FAILURE"
    assert len(notify.subject_of("FAILURE", "x" * 200)) == 100
    with aws() as found:
        asked = {"TopicArn": topic, "Subject": subject, "Message": "text"}
        found.expect("sns", "publish", asked, {"MessageId": "m1"})
        assert notify.publish(found("sns"), topic, subject, "text") == "m1"
        found.refuse("sns", "publish", "NotFound")
        with pytest.raises(NotFoundError, match=topic):
            notify.publish(found("sns"), topic, subject, "text")
