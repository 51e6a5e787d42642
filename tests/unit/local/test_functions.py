import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.local.functions import Function, Functions, Invocation, Pool
from infra.local.process import Process
from tests.builders.local_cloud import eventually
from topshelf.errors import NotFoundError, UnavailableError

HANDLER = """
import os, sys, time
STATE = []
def go(event, context):
    match event.get("do"):
        case "raise": raise KeyError("missing")
        case "exit": os._exit(event["code"])
        case "kill": os.kill(os.getpid(), 9)
        case "sleep":
            if "tells" in event: open(event["tells"], "w").close()
            time.sleep(60)
        case "set": return {1}
        case "pid": return os.getpid()
        case "slow": time.sleep(0.2)
    return {"event": event, "name": context.function_name, "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb, "id": context.aws_request_id,
            "left": context.get_remaining_time_in_millis(), "var": os.environ["VAR"],
            "cwd": os.getcwd()}
"""


OUTPUTS: list[int] = []


def spawn(function: Function) -> Process:
    root = str(Path(__file__).parents[3])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": root, **function.environment}
    process = Process(function.directory, function.handler, environment)
    OUTPUTS.append(process.output)
    return process


@pytest.fixture(autouse=True)
def _outputs() -> Iterator[None]:
    """Nobody reads what the workers write, but the pipes stay open."""
    yield
    while OUTPUTS:
        os.close(OUTPUTS.pop())


@pytest.fixture
def function(tmp_path: Path) -> Function:
    (tmp_path / "main.py").write_text(HANDLER)
    return Function(
        name="f",
        arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        directory=tmp_path,
        handler="main.go",
        environment={"VAR": "ü", "PYTHONIOENCODING": "utf-8"},
        timeout=1.0,
        memory_mb=512,
        log_group="g",
    )


@pytest.fixture
def pool(function: Function) -> Iterator[Pool]:
    made = Pool(function, spawn)
    yield made
    made.stop()


def call(pool: Pool, **event: Any) -> Any:
    return json.loads(invoke(pool, **event).payload)


def invoke(pool: Pool, **event: Any) -> Invocation:
    return pool.invoke(json.dumps(event).encode())


def test_a_handler_gets_its_event_context_and_environment(pool: Pool, function: Function) -> None:
    result = invoke(pool, x="é")
    answer = json.loads(result.payload)
    assert not result.failed
    assert answer["event"] == {"x": "é"}
    assert (answer["name"], answer["arn"], answer["memory"]) == ("f", function.arn, "512")
    assert answer["id"] == result.request_id
    assert 0 < answer["left"] <= 1000
    assert (answer["var"], answer["cwd"]) == ("ü", str(function.directory))


def test_large_events_pass(pool: Pool) -> None:
    assert len(call(pool, x="y" * 3_000_000)["event"]["x"]) == 3_000_000


def test_errors_have_lambdas_shape(pool: Pool) -> None:
    result = invoke(pool, do="raise")
    error = json.loads(result.payload)
    assert result.failed
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'missing'")
    assert error["requestId"] == result.request_id
    assert len(error["stackTrace"]) == 1
    assert "main.py" in error["stackTrace"][0]
    assert call(pool, do="set")["errorType"] == "Runtime.MarshalError"


def test_a_worker_is_used_again(pool: Pool) -> None:
    assert call(pool, do="pid") == call(pool, do="pid")


@pytest.mark.parametrize(
    ("event", "words"),
    [({"do": "exit", "code": 3}, "exit status 3"), ({"do": "kill"}, "signal: kill")],
)
def test_a_crash_is_an_error_and_the_worker_is_replaced(
    pool: Pool, event: dict[str, Any], words: str
) -> None:
    result = invoke(pool, **event)
    error = json.loads(result.payload)
    assert result.failed
    assert error["errorType"] == "Runtime.ExitError"
    text = f"RequestId: {result.request_id} Error: Runtime exited with error: {words}"
    assert error["errorMessage"] == text
    assert not invoke(pool).failed


def test_what_takes_too_long_is_killed_and_replaced(pool: Pool) -> None:
    pid = call(pool, do="pid")
    began = time.monotonic()
    error = call(pool, do="sleep")
    assert time.monotonic() - began < 10
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert call(pool, do="pid") != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("import nothing_of_the_kind", "main.go", "Runtime.ImportModuleError"),
        ("def", "main.go", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "main.go", "Runtime.HandlerNotFound"),
        ("1 / 0", "main.go", "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_loaded_says_why(
    function: Function, code: str, handler: str, kind: str
) -> None:
    (function.directory / "main.py").write_text(code)
    pool = Pool(function, spawn)
    result = invoke(pool)
    assert result.failed
    assert json.loads(result.payload)["errorType"] == kind
    # Mended code is found by the next invocation, without a restart.
    (function.directory / "main.py").write_text(HANDLER + "\n# mended\n")
    assert not invoke(pool).failed
    pool.stop()


def test_workers_grow_to_the_limit_and_one_more_waits(pool: Pool) -> None:
    answers: list[Any] = []

    def ask() -> None:
        answers.append(call(pool, do="slow")["id"])

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 5
    assert len(pool._all) == 2


def test_stop_ends_a_running_invocation(function: Function, tmp_path: Path) -> None:
    pool = Pool(replace(function, timeout=30.0), spawn)
    pool.warm()
    results: list[Invocation] = []
    running = tmp_path / "running"
    thread = threading.Thread(
        target=lambda: results.append(invoke(pool, do="sleep", tells=str(running)))
    )
    thread.start()
    eventually(running.exists)
    pool.stop()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(UnavailableError, match="being stopped"):
        invoke(pool)


def test_functions_are_found_by_name_and_arn(function: Function) -> None:
    functions = Functions([function], spawn)
    for name in ("f", "f:$LATEST", function.arn, f"{function.arn}:$LATEST"):
        assert functions.pool(name).function is function
    with pytest.raises(NotFoundError, match="nobody"):
        functions.invoke("nobody", b"{}")
    functions.stop()
