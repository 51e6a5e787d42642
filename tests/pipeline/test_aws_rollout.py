"""A release in AWS: what is asked of which service, and when."""

import signal
import sys
from pathlib import Path

import pytest

from infra.pipeline.aws.rollout import AwsRollout
from infra.pipeline.aws.sam import SamDeploy
from infra.pipeline.aws.stack_parts import StackParts
from infra.pipeline.rollout import Look, Shift
from tests.pipeline.aws_answers import FUNCTION, Aws, aws
from topshelf.errors import ConflictError, NotFoundError, UnavailableError

BEFORE = {"s-recommend-api": "7"}


def rollout(found: Aws, folder: Path, words: list[str] | None = None) -> AwsRollout:
    process = SamDeploy(words or [], folder / "sam.log")
    waits = iter(float(n) for n in range(100))
    stack = StackParts(found("cloudformation"), "s")
    return AwsRollout(stack, found, process, wait=lambda: None, monotonic=lambda: next(waits))


def deployed(script: str, folder: Path) -> SamDeploy:
    """One that has come to its end."""
    process = SamDeploy([sys.executable, "-c", script], folder / "sam.log")
    process.start()
    process.wait(20)
    return process


def test_what_serves_before_is_noted(tmp_path: Path) -> None:
    with aws() as found:
        found.parts()
        found.alias("7")
        assert rollout(found, tmp_path).before() == BEFORE


def test_before_the_first_deployment_there_is_nothing(tmp_path: Path) -> None:
    with aws() as found:
        found.refuse(
            "cloudformation", "describe_stacks", "ValidationError", "Stack with id s does not exist"
        )
        assert rollout(found, tmp_path).before() == {}


@pytest.mark.parametrize(
    ("weight", "ringing", "look"),
    [
        (None, None, Look(Shift.WAITING, "s is UPDATE_IN_PROGRESS")),
        (0.0, (), Look(Shift.WAITING, "s-recommend-api InProgress with 0% of the requests")),
        (10.0, (), Look(Shift.SHIFTING, "s-recommend-api InProgress with 10% of the requests")),
        (
            10.0,
            ("s-slow", "s-errors"),
            Look(
                Shift.FAILED,
                "in alarm: s-errors, s-slow (s-recommend-api InProgress with 10% of the requests)",
            ),
        ),
    ],
)
def test_how_far_a_release_is(
    tmp_path: Path, weight: float | None, ringing: tuple[str, ...] | None, look: Look
) -> None:
    with aws() as found:
        one = rollout(found, tmp_path)
        found.parts()
        found.running(weight)
        if weight is None:
            found.stack("UPDATE_IN_PROGRESS")
        if ringing is not None:
            found.alarms(*ringing)
        assert one.look() == look


def test_the_end_of_sam_is_the_end_of_the_release(tmp_path: Path) -> None:
    with aws() as found:
        one = rollout(found, tmp_path)
        one.process = deployed("print('all is well')", tmp_path)
        found.stack("UPDATE_COMPLETE")
        assert one.look() == Look(Shift.DONE, "deployed; s is UPDATE_COMPLETE")
        one.process = deployed("print('no rights'); raise SystemExit(3)", tmp_path)
        assert one.look() == Look(Shift.FAILED, "sam deploy ended with 3:\nno rights")


def test_a_deployment_under_way_is_stopped_and_waited_for(tmp_path: Path) -> None:
    with aws() as found:
        found.parts()
        found.running(10.0)
        asked = {"deploymentId": "d-1", "autoRollbackEnabled": True}
        found.expect("codedeploy", "stop_deployment", asked, {"status": "Pending"})
        for status in ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"):
            found.stack(status)
        found.alias("7")
        said = rollout(found, tmp_path).roll_back(BEFORE)
    assert said == ["stopped the deployment d-1 (s-recommend-api)"]


def test_who_stops_a_release_ends_sam_before_it_can_begin(tmp_path: Path) -> None:
    with aws() as found:
        one = rollout(found, tmp_path, [sys.executable, "-c", "import time; time.sleep(600)"])
        one.begin()
        assert one.process.ended() is None
        found.parts()
        found.running(None)
        found.stack("REVIEW_IN_PROGRESS")
        found.stack("REVIEW_IN_PROGRESS")
        found.alias("7")
        one.stop()
        assert one.process.ended() == -signal.SIGTERM


def test_an_update_that_shifts_nothing_yet_is_cancelled(tmp_path: Path) -> None:
    with aws() as found:
        found.parts()
        found.running(None)
        found.stack("UPDATE_IN_PROGRESS")
        found.expect("cloudformation", "cancel_update_stack", {"StackName": "s"})
        found.stack("UPDATE_ROLLBACK_COMPLETE")
        found.alias("7")
        assert rollout(found, tmp_path).roll_back(BEFORE) == ["cancelled the update of s"]


def test_a_release_that_is_done_is_taken_back_by_the_alias(tmp_path: Path) -> None:
    with aws() as found:
        found.parts()
        found.running(None)
        found.stack("UPDATE_COMPLETE")
        found.stack("UPDATE_COMPLETE")
        found.alias("8")
        found.pointed_to("7")
        said = rollout(found, tmp_path).roll_back(BEFORE)
    assert said == ["s-recommend-api: version 7 answers, not 8"]


def test_without_a_note_the_version_before_is_meant(tmp_path: Path) -> None:
    versions = [{"Version": name} for name in ("$LATEST", "2", "9", "10", "11")]
    with aws() as found:
        for answer, to in (("10", "9"), ("2", "")):
            found.parts()
            found.running(None)
            found.stack("UPDATE_COMPLETE")
            found.stack("UPDATE_COMPLETE")
            found.alias(answer)
            asked = {"FunctionName": "s-recommend-api"}
            found.expect("lambda", "list_versions_by_function", asked, {"Versions": versions})
            if to:
                found.pointed_to(to)
                said = rollout(found, tmp_path).roll_back({})
                assert said == ["s-recommend-api: version 9 answers, not 10"]
            else:
                with pytest.raises(NotFoundError, match="nothing to go back to"):
                    rollout(found, tmp_path).roll_back({})


def test_what_was_stopped_is_not_taken_back_twice(tmp_path: Path) -> None:
    with aws() as found:
        found.parts()
        found.running(10.0)
        asked = {"deploymentId": "d-1", "autoRollbackEnabled": True}
        found.expect("codedeploy", "stop_deployment", asked, {"status": "Pending"})
        found.stack("UPDATE_ROLLBACK_COMPLETE")
        found.alias("7")
        said = rollout(found, tmp_path).roll_back({})
    assert said == ["stopped the deployment d-1 (s-recommend-api)"]


def test_every_function_goes_back(tmp_path: Path) -> None:
    with aws() as found:
        found.parts("s-ingest")
        found.running(None)
        found.stack("UPDATE_COMPLETE")
        found.stack("UPDATE_COMPLETE")
        # In the order of their names.
        for function in ("s-ingest", FUNCTION):
            found.alias("3", function=function)
        for function in ("s-ingest", FUNCTION):
            versions = {"Versions": [{"Version": "2"}, {"Version": "3"}]}
            asked = {"FunctionName": function}
            found.expect("lambda", "list_versions_by_function", asked, versions)
            found.pointed_to("2", function)
        said = rollout(found, tmp_path).roll_back({})
    assert said == [f"{name}: version 2 answers, not 3" for name in ("s-ingest", FUNCTION)]


@pytest.mark.parametrize(
    ("status", "weight", "ringing", "beside", "told"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", None, (), "", "s is UPDATE_ROLLBACK_COMPLETE: nothing new"),
        ("UPDATE_COMPLETE", 10.0, (), "", "d-1 is still InProgress"),
        ("UPDATE_COMPLETE", None, ("s-slow",), "", "in alarm: s-slow; `make roll-back`"),
        ("UPDATE_COMPLETE", None, (), "8", "s-recommend-api: 8 answers as well"),
        ("UPDATE_COMPLETE", None, (), "", ""),
    ],
)
def test_what_is_promoted_has_all_requests_and_no_alarm(  # noqa: PLR0917
    tmp_path: Path,
    status: str,
    weight: float | None,
    ringing: tuple[str, ...],
    beside: str,
    told: str,
) -> None:
    with aws() as found:
        found.parts()
        found.stack(status)
        if "ROLLBACK" not in status:
            found.running(weight)
            if weight is None:
                found.alarms(*ringing)
                if not ringing:
                    found.alias("7", beside)
        if not told:
            names = ("$LATEST", "2", "5", "6", "7", "8")
            asked = {"FunctionName": FUNCTION}
            versions = {"Versions": [{"Version": name} for name in names]}
            found.expect("lambda", "list_versions_by_function", asked, versions)
            # 6 is what one would go back to, and 8 may be on its way.
            for gone in ("5", "2"):
                found.expect("lambda", "delete_function", asked | {"Qualifier": gone})
            assert rollout(found, tmp_path).promote() == [
                "s-recommend-api: version 7 answers",
                "s-recommend-api: deleted the old versions 5, 2",
            ]
            return
        with pytest.raises(ConflictError, match=told):
            rollout(found, tmp_path).promote()


def test_what_aws_refuses_names_the_service(tmp_path: Path) -> None:
    with aws() as found:
        found.refuse("cloudformation", "describe_stacks", "AccessDenied", "not you")
        with pytest.raises(UnavailableError, match="CloudFormation: AccessDenied; not you"):
            rollout(found, tmp_path).before()
        with pytest.raises(NotFoundError, match="run `make build`"):
            rollout(found, tmp_path).begin()
