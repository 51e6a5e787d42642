"""A bounded load test of the HTTP API: wrk's closed loop, with the answers looked at.

Each thread keeps one connection. Every answer is read: its status, its tier, how long it took.
"""

import argparse
import contextlib
import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

from infra.cli.stack import Cloud, Place, Stack
from infra.pipeline.closed_loop import closed_loop

TIMEOUT = 10

type Answer = tuple[int, bytes]


def viewers_of(host: str, cloud_port: int) -> list[str]:
    """The viewers of the live model, read from the local cloud."""

    place = Place.of(Cloud.MOTO, region="us-east-1", cloud_port=cloud_port, lambda_port=3001)
    stack = Stack.connect("topshelf", place)
    champion = stack.registry().champion()
    if champion is None:
        sys.exit(f"no model is live at {host}; run `make demo` first")
    found: list[str] = json.loads(stack.models().read(champion.version, "user_ids.json"))
    return found


@contextlib.contextmanager
def connection(netloc: str) -> Iterator[Callable[[str], Answer]]:
    """Asks for a user over one connection, and reads the whole answer: its status and body."""
    with contextlib.closing(http.client.HTTPConnection(netloc, timeout=TIMEOUT)) as kept:

        def ask(user: str) -> Answer:
            kept.request("GET", f"/v1/users/{quote(user, safe='')}/recommendations")
            answer = kept.getresponse()
            return answer.status, answer.read()

        yield ask


def names(answer: Answer) -> Iterator[str]:
    """Status and tier."""
    status, body = answer
    yield f"status {status}"
    if status == 200:
        yield f"tier {json.loads(body)['tier']}"


def run(netloc: str, users: list[str], concurrency: int) -> tuple[list[float], Counter[str]]:
    """Latencies in milliseconds, sorted, and counts of statuses and tiers."""
    return closed_loop(users, concurrency, lambda: connection(netloc), names)


def main() -> int:
    """Runs it; exits 1 unless every answer is 200, 99% own lists and p99 under 100 ms."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--cloud-port", type=int, default=4566)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--warm-up", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=4)
    chosen = parser.parse_args()
    netloc = urlsplit(chosen.url).netloc
    viewers = viewers_of(chosen.url, chosen.cloud_port)
    rounds = -(-chosen.requests // len(viewers))
    users = (viewers * rounds)[: chosen.requests]
    run(netloc, users[: chosen.warm_up], chosen.concurrency)
    began = time.perf_counter()
    latencies, seen = run(netloc, users, chosen.concurrency)
    seconds = time.perf_counter() - began
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    own = seen["tier own"] / chosen.requests
    sys.stdout.write(
        f"{len(latencies)} requests at concurrency {chosen.concurrency} in {seconds:.1f} s: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {latencies[-1]:.1f} ms\n"
        + "".join(f"  {name}: {count}\n" for name, count in sorted(seen.items()))
    )
    passed = seen["status 200"] == chosen.requests and own >= 0.99 and p99 < 100
    sys.stdout.write("passed\n" if passed else "FAILED\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
