"""How fast an import is, what memory it takes, and whether each row arrives once.

For each size, events are written to a file, with a known share of repeats and of bad rows. Then
``topshelf import-events FILE`` runs in a process of its own against a moto server, three times. It
is interrupted (SIGINT) when half of the file is read; it is killed (SIGKILL) when half of the
objects are in the lake; and it is let finish, which is measured: until the last object is in the
lake, and in all, with the newest 200 events of each of 500 viewers in the activity table.

Then the whole lake is read, and each row is looked for: its event_id is its place in the file, and
one byte for each place says whether it was there.
"""

import argparse
import gzip
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from infra.local.deploy import deploy
from infra.local.emulator import MotoServer
from infra.local.listening import free_port
from infra.local.provision import Context
from infra.local.translate import translate
from tests.benchmarks.import_process import ROOT, Command, Ended, half_read
from topshelf.aws.clients import create_client

REGION = "us-east-1"

# Of 1,000 rows: 970 are new, 20 repeat the row 500,000 before them, 10 are bad.
REPEATS, BAD, BACK = 20, 10, 500_000
VIEWERS = 500
BLOCK = 100_000
OBJECT_LINES = 250_000
GROWTH = 1.10


@dataclass(frozen=True, slots=True)
class Rows:
    """What a file holds."""

    read: int
    new: int
    repeats: int
    bad: int


def write_events(path: Path, count: int) -> Rows:
    """Writes rows; a new one's event_id is its place in the file."""
    repeats = bad = 0
    with path.open("wb") as file:
        for first in range(0, count, BLOCK):
            lines = []
            for row in range(first, min(first + BLOCK, count)):
                of_thousand = row % 1_000
                if of_thousand < BAD:
                    bad += 1
                    lines.append(f'{{"item_id":"m{row}","event_type":"nonsense {row}"}}\n')
                    continue
                number = row
                if of_thousand < BAD + REPEATS and row >= BACK:
                    # Back to a row that is new itself: 970 rows of a thousand are.
                    number = row - BACK + REPEATS
                    repeats += 1
                lines.append(
                    f'{{"item_id":"m{number % 9973:05d}","event_type":"watch",'
                    f'"timestamp":{1_700_000_000_000 + number * 7},'
                    f'"user_id":"v{number * 7919 % VIEWERS:07d}",'
                    f'"event_value":{number % 1000 / 1000},"event_id":"e{number:09d}",'
                    f'"session_id":"s{number // 3:x}"}}\n'
                )
            file.write("".join(lines).encode("ascii"))
    return Rows(count, count - repeats - bad, repeats, bad)


class Lake:
    """The bucket of a stack that is deployed here."""

    def __init__(self, endpoint_url: str) -> None:
        template = translate(ROOT / "template.yaml", {}, REGION, {"Architecture": "x86_64"})
        context = Context(
            stack_name="topshelf",
            region=REGION,
            account_id="123456789012",
            endpoint_url=endpoint_url,
            translation=template,
            plays_functions=False,
        )
        # Deployed and not played: on two cores, functions and streams would be measured too.
        deployed = deploy(context, "http://localhost", lambda _label, _done, _total: None)
        self._s3 = create_client("s3", REGION, endpoint_url, timeout=60)
        self._bucket = deployed.outputs["BucketName"]

    def listed(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [found for page in pages for found in page.get("Contents", ())]

    def keys(self, prefix: str) -> list[str]:
        return [found["Key"] for found in self.listed(prefix)]

    def holds(self, objects: int) -> Callable[[int], bool]:
        """Whether so many objects of events are there."""
        return lambda _pid: len(self.keys("events/")) >= objects

    def written_at(self) -> float:
        """When the last object of events came; seconds since 1970."""
        return max(found["LastModified"].timestamp() for found in self.listed("events/"))

    def lines(self, prefix: str) -> Iterator[bytes]:
        """Of one object after another, as they stream in."""
        for key in self.keys(prefix):
            body: Any = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
            with gzip.open(body) as plain:
                yield from plain

    def clear(self) -> None:
        for key in self.keys(""):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


def check(lake: Lake, rows: Rows) -> str:
    """Reads the whole lake.

    Returns:
        What was found, for a person.

    Raises:
        SystemExit: A row is missing, or there twice, or should not be there.
    """
    there = np.zeros(rows.read, bool)
    found = twice = 0
    marker = b'"event_id":"e'
    for line in lake.lines("events/"):
        at = line.index(marker) + len(marker)
        number = int(line[at : line.index(b'"', at)])
        found += 1
        twice += bool(there[number])
        there[number] = True
    expected = np.arange(rows.read)
    is_repeat = (expected % 1_000 < BAD + REPEATS) & (expected >= BACK)
    expected = (expected % 1_000 >= BAD) & ~is_repeat
    missing = int((expected & ~there).sum())
    strange = int((there & ~expected).sum())
    refused = sum(1 for _ in lake.lines("quarantine/"))
    if twice or missing or strange or found != rows.new or refused != rows.bad:
        sys.exit(
            f"the lake is wrong: {found:,} rows, {twice:,} twice, {missing:,} missing, "
            f"{strange:,} strange; {refused:,} quarantined; expected were {rows}"
        )
    return f"{found:,} rows, each once; {refused:,} quarantined"


def measure(port: int, lake: Lake, count: int, folder: Path, seconds: float) -> tuple[float, str]:
    """All of it for one size: the peak in MiB, and a line of the table."""
    source = folder / "events.jsonl"
    rows = write_events(source, count)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    command = Command(port, source, scratch)
    lake.clear()
    half = -(-rows.new // OBJECT_LINES) // 2

    stopped = command.run(seconds, until=half_read(source.stat().st_size), kill=signal.SIGINT)
    expect(stopped, 130, lake.keys("events/") == [], "SIGINT")
    say(f"{count:,} rows: SIGINT after {stopped.seconds:.0f} s, nothing in the lake")

    killed = command.run(seconds, until=lake.holds(half), kill=signal.SIGKILL)
    objects = len(lake.keys("events/"))
    expect(killed, -signal.SIGKILL, half <= objects < 2 * half, "SIGKILL")
    expect(killed, -signal.SIGKILL, not list(scratch.iterdir()), "SIGKILL left temporary files")
    say(f"{count:,} rows: SIGKILL after {killed.seconds:.0f} s, {objects} objects in the lake")

    ended = command.run(seconds)
    counts = (rows.read, rows.new, rows.repeats, rows.bad)
    expect(ended, 0, all(f"{number:,}" in ended.said for number in counts), "the last run")
    to_lake = lake.written_at() - ended.began
    say(f"{count:,} rows: done after {ended.seconds:.0f} s; reading the lake")
    verdict = check(lake, rows)
    source.unlink()
    return ended.peak_mib, (
        f"{count:>12,} {to_lake:>10.0f} {count / to_lake:>9,.0f} {ended.seconds:>9.0f} "
        f"{ended.peak_mib:>9.0f}   {verdict}"
    )


def expect(ended: Ended, code: int, holds: bool, what: str) -> None:
    """Ends the benchmark where a run did not end as it should."""
    if ended.code != code or not holds:
        sys.exit(f"{what}: exit {ended.code} instead of {code}, or not as expected:\n{ended.said}")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: list[str] | None = None) -> int:
    """Prints a table; exits 1 if memory grows with the rows or a row is not there once."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.imports", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000_000, 20_000_000])
    parser.add_argument("--seconds", type=float, default=1800, help="bound of one run")
    chosen = parser.parse_args(arguments)
    if min(chosen.rows) < 2 * BACK:
        parser.error(f"at least {2 * BACK:,} rows: repeats lie {BACK:,} apart")
    # Started in the background, a shell has SIGINT ignored, and every child inherits it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="topshelf-imports-") as name:
        folder = Path(name)
        port = free_port()
        emulator = MotoServer(port, folder / "emulator.log")
        emulator.start()
        try:
            lake = Lake(emulator.endpoint_url)
            measured = [measure(port, lake, rows, folder, chosen.seconds) for rows in chosen.rows]
        finally:
            emulator.stop()
    lines = [f"{'rows':>12} {'s to lake':>10} {'rows/s':>9} {'s in all':>9} {'peak MiB':>9}   lake"]
    lines += [line for _, line in measured]
    peaks = [peak for peak, _ in measured]
    growth = max(peaks) / peaks[0]
    lines.append(f"the greatest peak is {growth:.2f} of the first; the bound is {GROWTH:.2f}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if growth <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
