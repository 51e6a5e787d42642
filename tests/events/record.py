"""Records what functions are called with: template.yaml in the local cloud, one request a route.

Usage: ``python -m tests.events.record``; writes the JSON files beside this one.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.cli import releasing
from infra.local.functions import Functions, Invocation
from tests.e2e.conftest import quiet
from tests.events.reading import without_signature
from tests.sam.released import Released, functions, physical_name, released

HERE = Path(__file__).parent

# A code deployment's hook has its event from CodeDeploy, which no local cloud plays:
# https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
HOOK = {"DeploymentId": "d-1A2B3C4D5", "LifecycleEventHookExecutionId": "eyJlbmNyeXB0ZWREYXRhIjoi"}

Call = tuple[str, dict[str, Any]]


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Every call of a function, as long as the block runs: its name and its event."""
    calls: list[Call] = []
    really = Functions.invoke

    def invoke(self: Functions, name: str, payload: bytes) -> Invocation:
        calls.append((name, json.loads(payload)))
        return really(self, name, payload)

    Functions.invoke = invoke  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Functions.invoke = really  # type: ignore[method-assign]


def first_of_each_step(calls: list[Call]) -> Iterator[Call]:
    """A release as it went, each question asked once."""
    asked: set[str] = set()
    for function, event in calls:
        if event["step"] not in asked:
            asked.add(event["step"])
            yield function, event


def requests_of(platform: Released) -> Iterator[tuple[str, str, str, Any]]:
    """Name, method, path and body of a request for each route."""
    viewer, item = "v000001", "m00001"
    yield "recommendations", "GET", f"/v1/users/{viewer}/recommendations?num_results=5", None
    yield "similar", "GET", f"/v1/items/{item}/similar?num_results=5&titles=true", None
    yield "provenance", "GET", f"/v1/provenance/{platform.recommendation_id()}", None
    yield "popular", "GET", "/v1/popular?num_results=5&titles=true", None
    yield "health", "GET", "/v1/health", None
    yield "openapi", "GET", "/openapi.json", None
    yield "docs", "GET", "/docs", None
    event = {"user_id": viewer, "item_id": item, "event_type": "watch", "event_value": 0.9}
    timed = event | {"timestamp": int(time.time() * 1000)}
    yield "events", "POST", "/v1/events", {"events": [timed]}


def record(platform: Released, calls: list[Call]) -> dict[str, dict[str, Any]]:
    """Events by function and name."""
    found: dict[str, dict[str, Any]] = {name: {} for name in functions()}
    logical_ids = {physical_name(name): name for name in found}

    def take(name: str, call: Call) -> None:
        # By ARN, with an alias behind it, or by name.
        (function,) = (i for p, i in logical_ids.items() if p in call[0].split(":"))
        found[function][name] = call[1]

    for name, method, path, body in requests_of(platform):
        calls.clear()
        platform.call(method, path, body)
        take(name, (calls[0][0], without_signature(calls[0][1])))
    # What follows from the POST, the last of them.
    platform.platform.cloud.flush()
    for call in calls[1:]:
        take("activity", call)
    calls.clear()
    version = platform.platform.train().version
    releasing.release(platform.platform.stack, version, quiet)
    for number, (function, event) in enumerate(first_of_each_step(calls), start=1):
        take(f"{number}-{event['step']}", (function, event))
    for name, events in found.items():
        if name.startswith("Check"):
            events["hook"] = HOOK
    return found


def main() -> int:
    """Records anew."""
    with (
        TemporaryDirectory() as folder,
        recording() as calls,
        released(Path(folder)) as platform,
    ):
        found = record(platform, calls)
    for old in HERE.glob("*/*.json"):
        old.unlink()
    for function, events in found.items():
        for name, event in events.items():
            text = json.dumps(event, indent=2, sort_keys=True, ensure_ascii=False)
            (HERE / function).mkdir(exist_ok=True)
            (HERE / function / f"{name}.json").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
