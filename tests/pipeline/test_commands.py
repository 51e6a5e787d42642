"""The commands of the stages: what they print, what they note, how they end."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.cli.stack import Place, Stack
from infra.pipeline import app, reach, releasing, trying
from infra.pipeline.api import Api, sigv4, unsigned
from infra.pipeline.aws.stack_parts import StackParts
from infra.pipeline.reach import Reached
from infra.pipeline.rollout import Look, Shift
from infra.pipeline.stage import Target, read_stage
from tests.pipeline.aws_answers import Aws, aws
from tests.pipeline.stand_in import Reply, good, stand_in
from tests.pipeline.test_trying import KEYS
from topshelf.errors import InvalidInputError, UnavailableError

type Ran = tuple[int, str, str]
type Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command as its user would: exit status, output, errors."""
    monkeypatch.setenv("TOPSHELF_PIPELINE_STATE", str(tmp_path))
    monkeypatch.setattr("infra.cli.entry.signal.signal", lambda *_: None)

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Reply], None]]:
    """Lets a stand-in answer for the stage."""
    with contextlib.ExitStack() as opened:

        def use(reply: Reply) -> None:
            url, _ = opened.enter_context(stand_in(reply))
            api = Api.of(url, Target.LOCAL, "us-east-1", sigv4(KEYS, "us-east-1"))
            found = Reached(Stack("s", Place("us-east-1"), {}), api, True)
            monkeypatch.setattr(Reached, "viewers", lambda _: ["v1", "v2"])
            for module in (trying, releasing):
                monkeypatch.setattr(module, "reach", lambda *_: found)

        yield use


@dataclass
class AtOnce:
    """A rollout whose code answers as soon as it has begun."""

    did: list[str] = field(default_factory=list)

    def before(self) -> Mapping[str, str]:
        return {"f": "7"}

    def begin(self) -> None:
        self.did.append("begin")

    def look(self) -> Look:
        return Look(Shift.DONE, "deployed")

    def stop(self) -> None:
        self.did.append("stop")

    def promote(self) -> list[str]:
        self.did.append("promote")
        return ["version 8 answers"]

    def roll_back(self, before: Mapping[str, str]) -> list[str]:
        self.did.append(f"roll back to {before}")
        return ["version 7 answers"]


@pytest.fixture
def rollout(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    one = AtOnce()
    monkeypatch.setattr(releasing, "rollout_to", lambda *_: one)
    return one


def broken(
    method: str, path: str, headers: dict[str, str], n: int
) -> tuple[int, dict[str, object]]:
    """One answer of fifty is an error, from the smoke test's end on."""
    return (500, {}) if n % 50 == 49 else good(method, path, headers, n)


BOUNDS = ("--stage", "production", "--requests", "200", "--p99-ms", "5000")


def test_smoke_and_load_pass_and_fail_by_their_exit(
    run: Run, answers: Callable[[Reply], None]
) -> None:
    answers(good)
    code, out, _ = run("smoke", "--stage", "staging")
    assert (code, out.count("ok ")) == (0, 6)
    code, out, _ = run("load-test", *BOUNDS)
    assert (code, "200 requests, 0 failed" in out) == (0, True)
    answers(broken)
    code, out, _ = run("load-test", *BOUNDS)
    assert (code, "missed 4 of 200 requests failed (2.00%), not below 0.10%" in out) == (1, True)
    answers(lambda *_: (503, {}))
    code, out, _ = run("smoke", "--stage", "staging")
    assert (code, "failed health: 200 was expected, 503 came" in out) == (1, True)


def test_a_canary_that_passes_is_promoted(
    run: Run, answers: Callable[[Reply], None], rollout: AtOnce, tmp_path: Path
) -> None:
    answers(good)
    code, out, _ = run("canary", *BOUNDS)
    assert (code, "the canary passed" in out) == (0, True)
    noted = json.loads((tmp_path / "production" / "canary.json").read_text())
    assert noted == {"passed": True, "reason": "deployed", "before": {"f": "7"}}
    code, out, _ = run("promote-or-roll-back", "--stage", "production")
    assert (code, out) == (0, "production: version 8 answers\n")
    assert rollout.did == ["begin", "promote"]


def test_a_canary_that_fails_is_rolled_back(
    run: Run, answers: Callable[[Reply], None], rollout: AtOnce
) -> None:
    answers(broken)
    code, out, _ = run("canary", *BOUNDS)
    assert (code, "the canary failed" in out) == (1, True)
    code, out, err = run("promote-or-roll-back", "--stage", "production")
    assert (code, out) == (1, "production: version 7 answers\n")
    assert "rolling back: 4 of 200 requests failed" in err
    assert rollout.did == ["begin", "stop", "roll back to {'f': '7'}"]


def test_a_canary_that_was_killed_is_rolled_back(
    run: Run, rollout: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(releasing, "run_canary", killed)
    assert run("canary", *BOUNDS)[0] == 130
    code, _, err = run("promote-or-roll-back", "--stage", "production")
    assert (code, "the canary did not come to its end" in err) == (1, True)
    assert rollout.did == ["roll back to {'f': '7'}"]


def test_no_verdict_outlives_the_next_canary(
    run: Run, answers: Callable[[Reply], None], rollout: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(good)
    assert run("canary", *BOUNDS)[0] == 0

    def gone(_: AtOnce) -> Mapping[str, str]:
        raise UnavailableError("AWS does not answer")

    monkeypatch.setattr(AtOnce, "before", gone)
    assert run("canary", *BOUNDS)[0] == 1
    code, _, err = run("promote-or-roll-back", "--stage", "production")
    assert (code, "no canary of production is noted" in err) == (1, True)
    assert rollout.did == ["begin"]


def test_without_a_canary_nothing_is_decided(run: Run, rollout: AtOnce) -> None:
    code, _, err = run("promote-or-roll-back", "--stage", "production")
    assert (code, "run `make canary STAGE=production`" in err) == (1, True)
    assert rollout.did == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("smoke", "--stage", "lunch"), 2, "stage: stages.toml has no stage 'lunch'; it has prod"),
        (("load-test", "--stage", "staging", "--requests", "50000"), 2, "requests: 1 to 20,000"),
        (("smoke", "--stage", "staging", "--target", "local"), 1, "does not run on this machine"),
        (("deploy", "--stage", "staging", "--target", "local", "--source", "/"), 1, "no template"),
        (("notify", "--topic", "somewhere"), 2, "topic: 'somewhere' is no ARN"),
        (("notify", "--target", "local"), 1, "production does not run on this machine"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Run, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended, _, err = run(*arguments)
    assert (ended, err.count("\n")) == (code, 1)
    assert told in err


def test_a_notice_without_a_topic_is_printed(run: Run) -> None:
    code, out, err = run("notify", "--result", "FAILURE", "--build", "b7", "--url", "u")
    assert (code, out) == (0, "topshelf b7: FAILURE\nu\n")
    assert "TOPSHELF_NOTICE_TOPIC names no topic" in err


def test_where_nothing_runs_down_has_nothing_to_do(run: Run) -> None:
    assert run("down", "--stage", "staging")[:2] == (0, "staging: nothing runs\n")


@pytest.mark.parametrize("authorizer", ["iam", "jwt", "none"])
def test_the_stack_says_how_its_api_is_asked(
    authorizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "accesskey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretkey")
    url = "https://a1.execute-api.us-east-1.amazonaws.com"
    stage = read_stage("staging", Target.AWS)

    def found(client: Aws) -> Reached:
        stack = Stack("s", Place("us-east-1"), {"ApiUrl": url})
        monkeypatch.setattr(Stack, "connect", lambda *_: stack)
        monkeypatch.setattr(Stack, "client", lambda _, service: client(service))
        monkeypatch.setattr(reach, "StackParts", lambda asked, _: StackParts(asked, "s"))
        return reach.reach(stage, Target.AWS, tmp_path, "token")

    with aws() as client:
        client.stack("CREATE_COMPLETE", Authorizer=authorizer)
        one = found(client)
    assert (one.api.url, one.refuses) == (url, authorizer != "none")
    sent = one.api.prepare("GET", "/v1/popular").headers.get("Authorization", "")
    begins = {"iam": "AWS4-HMAC-SHA256 Credential=accesskey/", "jwt": "Bearer token", "none": ""}
    assert sent.startswith(begins[authorizer])
    assert bool(sent) is (authorizer != "none")
    if authorizer == "none":
        assert one.api.sign is unsigned
    if authorizer == "jwt":
        with aws() as client:
            client.stack("CREATE_COMPLETE", Authorizer="jwt")
            monkeypatch.setattr(Stack, "client", lambda _, service: client(service))
            with pytest.raises(InvalidInputError, match="TOPSHELF_TOKEN"):
                reach.reach(stage, Target.AWS, tmp_path, "")
