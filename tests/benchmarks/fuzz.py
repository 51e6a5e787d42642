"""Hostile requests and events against the whole platform: the real functions on the local cloud.

Every answer is looked at: none may be 5xx, each 4xx is a problem document that names a field, and
each good event that stood among bad ones must be found in the lake and in the activity table
afterwards, exactly as sent. The same seed sends the same.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.cli import releasing
from infra.cli.data_commands import import_into, write_simulation
from infra.cli.model_commands import train_on
from infra.cli.stack import Place, Stack
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.simulator import SimulatorOptions
from tests.benchmarks.fuzzing.hostile_requests import HostileRequest, hostile_requests
from tests.benchmarks.fuzzing.mixed_batches import MixedBatch, mixed_batches
from tests.benchmarks.fuzzing.tally import Tally
from tests.benchmarks.fuzzing.ways import GatewayWay, InvokeWay, Way
from topshelf.aws.activity_table import activity_event
from topshelf.events import parse_stored
from training.als import ALSParameters

MOST = 1_000_000
THREADS = 3
BY_GATEWAY = 0.2
JSON = (b"content-type", b"application/json")


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class Run:
    """Sends requests and batches by several threads and keeps what came of it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self.tally = Tally()
        self.sent = self.accepted = 0
        self.good: list[dict[str, Any]] = []

    def ways(self) -> list[Way]:
        """Both ways to the functions, the seldom one first."""
        return [
            GatewayWay(self._cloud.api_url),
            InvokeWay(self._cloud.lambda_url, self._cloud.options.stack_name),
        ]

    def go(self, work: Iterator[HostileRequest | MixedBatch], total: int, what: str) -> None:
        """Sends everything; says how far it is each tenth."""
        self.sent, shown = 0, total // 10 or 1

        def send(ways: Sequence[Way], choice: random.Random) -> None:
            while True:
                with self._lock:
                    if (part := next(work, None)) is None:
                        return
                    by = ways[int(choice.random() >= BY_GATEWAY)]
                self._send(by, part)
                with self._lock:
                    before = self.sent // shown
                    self.sent += part.size if isinstance(part, MixedBatch) else 1
                    if self.sent // shown > before:
                        sys.stderr.write(f"  {self.sent} of {total} {what}\n")

        def one(number: int) -> None:
            ways = self.ways()
            try:
                send(ways, random.Random(number))
            except (OSError, ValueError, LookupError) as error:
                with self._lock:
                    self.tally.violate(f"no answer, or none that can be read: {error!r}")
            finally:
                for way in ways:
                    way.close()

        threads = [threading.Thread(target=one, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send(self, way: Way, part: HostileRequest | MixedBatch) -> None:
        if isinstance(part, MixedBatch):
            request = HostileRequest("POST", "/v1/events", [JSON], part.body)
            answer = way.send(request)
            with self._lock:
                self.tally.note(request, answer)
                self._note_batch(part, answer.status if answer else 0, answer and answer.body)
        else:
            answer = way.send(part)
            with self._lock:
                self.tally.note(part, answer)

    def _note_batch(self, batch: MixedBatch, status: int, body: bytes | None) -> None:
        if status != 202:
            refused = json.loads(body or b"{}").get("errors", ())
            for refusal in refused:
                self.tally.note_event(refusal["field"], refusal["detail"])
            if batch.good or len(refused) != batch.size:
                self.tally.violate(
                    f"{status}, and {len(batch.good)} good events are lost: {body!r}"
                )
            return
        receipt = json.loads(body or b"{}")
        for refusal in receipt["refused"]:
            self.tally.note_event(refusal["field"], refusal["detail"])
            if refusal["index"] in batch.good:
                self.tally.violate(f"a good event is refused: {refusal}")
        if receipt["accepted"] + receipt["duplicates"] + len(receipt["refused"]) != batch.size:
            self.tally.violate(f"the receipt does not add up to {batch.size}: {receipt}")
        self.accepted += receipt["accepted"]
        self.good += batch.good.values()


def check_kept(run: Run, cloud: LocalCloud, stack: Stack, before: set[str]) -> tuple[int, int]:
    """Looks for every good event; lines in the lake and events in the activity table."""
    sys.stderr.write("  looking for every good event\n")
    cloud.flush()
    s3, bucket = stack.client("s3"), stack.outputs["BucketName"]
    lines = []
    for key in lake_keys(stack) - before:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        lines += gzip.decompress(content).splitlines()
    if len(lines) != run.accepted:
        run.tally.violate(f"{run.accepted} events were accepted, the lake holds {len(lines)}")
    lake: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        event = json.loads(line)
        lake.setdefault(event.get("event_id", ""), []).append(event)
    for event in run.good:
        if lake.get(event["event_id"]) != [event]:
            run.tally.violate(f"not once and as sent in the lake: {event}")
    return len(lines), find_activity(run, stack)


def find_activity(run: Run, stack: Stack) -> int:
    """How many good events with a viewer the activity table holds; all of them, or it is told."""
    pages = stack.client("dynamodb").get_paginator("scan")
    kept = {
        (item["user_id"]["S"], activity_event(item))
        for page in pages.paginate(TableName=stack.outputs["ActivityTableName"])
        for item in page["Items"]
        if "event" in item
    }
    found = 0
    for event in run.good:
        if "user_id" in event:
            if (event["user_id"], parse_stored(json.dumps(event).encode())) in kept:
                found += 1
            else:
                run.tally.violate(f"not in the activity table: {event}")
    return found


def lake_keys(stack: Stack) -> set[str]:
    """Keys of the lake's objects."""
    pages = stack.client("s3").get_paginator("list_objects_v2")
    bucket = stack.outputs["BucketName"]
    return {
        item["Key"]
        for page in pages.paginate(Bucket=bucket, Prefix="events/")
        for item in page.get("Contents", [])
    }


def release_a_model(stack: Stack, folder: Path) -> tuple[list[str], list[str], str]:
    """A model of built-in viewers, live; viewers, items and a good recommendation id."""
    write_simulation(SimulatorOptions(viewers=400, movies=300, interactions=12_000), folder, quiet)
    import_into(stack, folder, quiet)
    version = train_on(stack, ALSParameters(iterations=5, seed=1), quiet).version
    releasing.release(stack, version, quiet)
    viewers, items = (
        json.loads(stack.models().read(version, f"{what}_ids.json")) for what in ("user", "item")
    )
    return viewers, items, version


def report(run: Run, seconds: float, lake: int, found: int) -> None:
    """Prints the figures."""
    tally, out = run.tally, sys.stdout
    out.write("\n| route | status | answers |\n|---|---|---|\n")
    for (route, status), count in sorted(tally.statuses.items()):
        out.write(f"| {route} | {status} | {count} |\n")
    out.write("\n| status | problem | field | times |\n|---|---|---|---|\n")
    for (status, detail), fields in tally.by_problem().items():
        shown, named = detail.replace("|", "\\|"), ", ".join(sorted(fields))
        out.write(f"| {status} | {shown} | {named} | {sum(fields.values())} |\n")
    broken = sum(n for (_, status), n in tally.statuses.items() if status.startswith("5"))
    out.write(
        f"\n{sum(tally.statuses.values())} requests in {seconds:.0f} s: {broken} answers of 5xx, "
        f"{len(tally.by_problem())} distinct problems\n"
        f"{run.accepted} events accepted, {lake} in the lake; {len(run.good)} good events sent, "
        f"{found} of those with a viewer found in the activity table\n"
        f"{tally.violated} violations\n"
    )
    for text in tally.violations:
        out.write(f"  {text}\n")


def main(arguments: list[str] | None = None) -> int:
    """Runs it; exits 1 on any violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=25_000)
    parser.add_argument("--events", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    requests, events = min(chosen.requests, MOST), min(chosen.events, MOST)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        options = LocalCloudOptions(
            cloud_port=0,
            api_port=0,
            lambda_port=0,
            auth=False,
            # What is tested is what is sent, not how fast an emulator is on a busy machine.
            parameters={"ReadTimeoutMs": "2000"},
            state_dir=folder / "state",
        )
        with LocalCloud(options) as cloud:
            sys.stderr.write("a local cloud and a model\n")
            cloud.start(quiet)
            stack = Stack.connect(
                "topshelf", Place("us-east-1", cloud.endpoint_url, cloud.lambda_url)
            )
            viewers, items, _ = release_a_model(stack, folder)
            run = Run(cloud)
            answer = run.ways()[0].send(HostileRequest("GET", "/v1/popular"))
            known = json.loads(answer.body)["recommendation_id"] if answer else ""
            cloud.flush()
            before = lake_keys(stack)
            began = time.monotonic()
            rng = random.Random(chosen.seed)
            run.go(hostile_requests(rng, requests, viewers, items, known), requests, "requests")
            run.go(mixed_batches(rng, events, int(time.time() * 1000)), events, "events")
            seconds = time.monotonic() - began
            lake, found = check_kept(run, cloud, stack, before)
            report(run, seconds, lake, found)
            return 1 if run.tally.violated else 0


if __name__ == "__main__":
    sys.exit(main())
