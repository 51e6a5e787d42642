"""Driving the release function: the order of its steps, polling, and what it refuses."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.cli import releasing
from infra.cli.stack import Place, Stack
from topshelf.errors import TopshelfError, UnavailableError


class FakeLambda:
    """Answers each invocation with the next of its script."""

    def __init__(self, script: list[dict[str, Any] | str | Exception]) -> None:
        self._script = script
        self.asked: list[str] = []
        self.options: list[bool | None] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "release-model"
        self.asked.append(json.loads(Payload)["step"])
        self.options.append(json.loads(Payload).get("force"))
        said = self._script.pop(0)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            body = {"errorMessage": said, "errorType": "IntegrityError"}
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(body).encode()),
            }
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


@pytest.fixture
def stack() -> Stack:
    return Stack("topshelf", Place("us-east-1"), {"ReleaseFunction": "release-model"})


def play(monkeypatch: pytest.MonkeyPatch, *script: dict[str, Any] | str | Exception) -> FakeLambda:
    fake = FakeLambda(list(script))
    monkeypatch.setattr(Stack, "client", lambda self, service, timeout: fake)
    monkeypatch.setattr(releasing, "_POLL_SECONDS", 0)
    return fake


def test_a_release_takes_its_steps_in_order_and_polls_the_import(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {"status": "running", "imported": 3}
    done = {"status": "completed", "imported": 9}
    live = {"status": "live", "version": "v2", "previous": "v1"}
    fake = play(monkeypatch, {}, {}, {}, running, running, done, live)
    told: list[tuple[str, int, int]] = []
    assert releasing.release(stack, "v2", lambda *step: told.append(step)) == live
    assert fake.asked == ["verify", "gate", "import", "check", "check", "check", "flip"]
    assert fake.options == [None, False, None, None, None, None, None]
    assert ("import lists", 3, 0) in told
    assert ("import lists", 9, 9) in told


def test_force_is_for_the_gate_alone(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    done = {"status": "completed", "imported": 9}
    live = {"status": "live", "version": "v2", "previous": "v1"}
    fake = play(monkeypatch, {}, {}, {}, done, live)
    releasing.release(stack, "v2", lambda *_: None, force=True)
    assert fake.options == [None, True, None, None, None]


def test_a_refused_step_ends_the_release_with_the_functions_own_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = play(monkeypatch, "a file is not what the manifest says")
    with pytest.raises(TopshelfError, match="not what the manifest says"):
        releasing.release(stack, "v2", lambda *_: None)
    assert fake.asked == ["verify"]


def test_a_function_out_of_reach_is_told_in_one_line(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, EndpointConnectionError(endpoint_url="http://localhost:3001"))
    with pytest.raises(UnavailableError, match="topshelf up"):
        releasing.rollback(stack)
