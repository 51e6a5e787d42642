"""What is served in each outage: the real function, behind it an AWS that fails on purpose.

A local cloud with a few built-in viewers and two releases; the workers of recommend_api reach it
through a proxy that plays the outage. 500 requests at concurrency 4 each: first in processes that
have answered before (warm), then in new ones that start in the outage (cold).
"""

import json
import os
import sys
import tempfile
import threading
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from infra.cli import releasing
from infra.cli.data_commands import import_into, write_simulation
from infra.cli.model_commands import train_on
from infra.cli.stack import Place, Stack
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.functions import Function, Pool
from infra.local.process import Process
from infra.local.runtime import worker_environment
from infra.pipeline.closed_loop import closed_loop
from infra.simulator import SimulatorOptions
from tests.builders.gateway import http_event
from tests.fakes.fault_proxy import FaultOf, FaultProxy
from topshelf.aws.clients import create_client
from topshelf.serving.baked import BAKED_NAME, bake
from training.als import ALSParameters

REQUESTS, CONCURRENCY = 500, 4
ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "functions" / "recommend_api"


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def outages(registry_table: str) -> dict[str, FaultOf]:
    """Each outage by its name."""
    turn = Counter[str]()

    def half(_service: str, _body: bytes) -> str:
        turn["calls"] += 1
        return "broken" if turn["calls"] % 2 else ""

    def only(service: str, kind: str, about: bytes = b"") -> FaultOf:
        return lambda asked, body: kind if asked == service and about in body else ""

    return {
        "none": lambda _service, _body: "",
        "DynamoDB down": only("dynamodb", "down"),
        "DynamoDB slow (2 s)": only("dynamodb", "slow"),
        "DynamoDB throttling": only("dynamodb", "throttled"),
        "S3 down": only("s3", "down"),
        "registry down": only("dynamodb", "down", registry_table.encode()),
        "secret missing": only("secretsmanager", "missing"),
        "half the calls failing": half,
    }


def make_pool(stack: Stack, proxy: FaultProxy, folder: Path) -> Pool:
    """Workers of recommend_api that see AWS through the proxy."""
    name = f"{stack.name}-recommend-api"
    config = create_client(
        "lambda", stack.place.region, stack.place.endpoint_url
    ).get_function_configuration(FunctionName=name)
    function = Function(
        name=name,
        arn=config["FunctionArn"],
        directory=folder,
        handler=config["Handler"],
        environment=config["Environment"]["Variables"],
        timeout=30.0,
        memory_mb=config["MemorySize"],
        log_group="-",
        concurrency=CONCURRENCY,
    )

    def spawn(asked: Function) -> Process:
        environment = worker_environment(
            asked, region="us-east-1", endpoint_url=proxy.url, lambda_url=""
        )
        process = Process(asked.directory, asked.handler, environment)
        threading.Thread(target=drain, args=(process,), daemon=True).start()
        return process

    return Pool(function, spawn)


def drain(process: Process) -> None:
    """Reads a worker's output away."""
    while os.read(process.output, 65_536):
        pass


def tier_or_status(answer: dict[str, Any]) -> str:
    """The tier of an answer, or the status where there is none."""
    status = answer.get("statusCode", "error")
    tier: str = json.loads(answer["body"])["tier"] if status == 200 else f"status {status}"
    return tier


def load(pool: Pool, viewers: list[str], requests: int) -> tuple[list[float], Counter[str]]:
    """Latencies in milliseconds, sorted, and counts by tier."""

    def ask(user: str) -> dict[str, Any]:
        event = http_event("GET", f"/v1/users/{user}/recommendations")
        answer: dict[str, Any] = json.loads(pool.invoke(json.dumps(event).encode()).payload)
        return answer

    users = (viewers * (requests // len(viewers) + 1))[:requests]
    return closed_loop(
        users, CONCURRENCY, lambda: nullcontext(ask), lambda answer: [tier_or_status(answer)]
    )


def row(name: str, latencies: list[float], seen: Counter[str]) -> str:
    """One line of the table."""
    answered = 1 - sum(n for what, n in seen.items() if what.startswith("status")) / REQUESTS
    tiers = ", ".join(f"{tier} {count / REQUESTS:.1%}" for tier, count in seen.most_common())
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    return f"| {name} | {answered:.1%} | {tiers} | {p50:.1f} | {p99:.1f} |"


def main() -> int:
    """Prints the table; exits 1 unless every request of every outage was answered."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        code = folder / "code"
        code.mkdir()
        (code / "handler.py").write_bytes((CODE / "handler.py").read_bytes())
        options = LocalCloudOptions(
            cloud_port=0, api_port=0, lambda_port=0, state_dir=folder / "state"
        )
        with LocalCloud(options) as cloud:
            cloud.start(quiet)
            place = Place("us-east-1", cloud.endpoint_url, cloud.lambda_url)
            stack = Stack.connect("topshelf", place)
            write_simulation(
                SimulatorOptions(viewers=400, movies=300, interactions=12_000), folder, quiet
            )
            import_into(stack, folder, quiet)
            for seed in (1, 2):
                manifest = train_on(stack, ALSParameters(iterations=5, seed=seed), quiet)
                releasing.release(stack, manifest.version, quiet)
            popular = stack.lists().popular(manifest.version)
            if popular is None:
                raise RuntimeError("the version has no popular list")
            (code / BAKED_NAME).write_bytes(bake(manifest.version, popular, {}))
            viewers = json.loads(stack.models().read(manifest.version, "user_ids.json"))
            return measure(stack, viewers, code)


def measure(stack: Stack, viewers: list[str], code: Path) -> int:
    """Runs every outage, warm and cold."""
    failed = 0
    sys.stdout.write("| outage | answered | tiers | p50 ms | p99 ms |\n|---|---|---|---|---|\n")
    for name, fault in outages(stack.outputs["RegistryTableName"]).items():
        for start in ("warm", "cold"):
            with FaultProxy(stack.place.endpoint_url or "") as proxy:
                pool = make_pool(stack, proxy, code)
                if start == "warm":
                    load(pool, viewers, 40 * CONCURRENCY)
                proxy.fault = fault
                latencies, seen = load(pool, viewers, REQUESTS)
                pool.stop()
            failed += sum(n for what, n in seen.items() if what.startswith("status"))
            sys.stdout.write(row(f"{name}, {start}", latencies, seen) + "\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
