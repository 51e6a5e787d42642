"""The training job at the size of a platform: wall time by stage, peak memory, bytes written.

The built-in viewers' events are written into a folder in the form of the lake; then the job
runs as in the container, with folders in the place of S3.

Run: make bench-million, or with USERS=50000 ITEMS=5000 EVENTS=2500000 for less.
"""

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import numpy as np

from infra.importers.packing import compress
from infra.simulator import SimulatorOptions, catalogue, write_lines
from tests.benchmarks.stored_lists import import_and_read
from tests.fakes.model_ports import FakeRegistry
from topshelf.aws.lake_bucket import LakeObject
from topshelf.catalog import encode_movies
from topshelf.errors import NotFoundError
from topshelf.events import DEFAULT_POLICY
from training.als import ALSParameters
from training.job import train
from training.parameters import TrainingParameters

_OBJECT_BYTES = 40 << 20
_MOST_EVENTS = 50_000_000


class Folder:
    """EventLake, FactorStore and CheckpointStore in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.written = 0

    def objects(self) -> list[LakeObject]:
        found = sorted((self._root / "events").rglob("*.gz"))
        return [
            LakeObject(path.relative_to(self._root).as_posix(), path.name, path.stat().st_size)
            for path in found
        ]

    def read(self, version: LakeObject | str, name: str = "") -> bytes:
        path = version.key if isinstance(version, LakeObject) else f"models/{version}/{name}"
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(path) from None

    def chunks(self, version: str, name: str) -> Iterator[bytes]:
        with (self._root / "models" / version / name).open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece

    def write(self, version: str, name: str, content: bytes) -> None:
        self.put(f"models/{version}/{name}", content)
        self.written += len(content)

    def quarantine(self, name: str, content: bytes) -> None:
        self.put(f"quarantine/{name}", content)

    def catalogue(self) -> bytes | None:
        return (self._root / "items.jsonl.gz").read_bytes()

    def load(self, run: str) -> bytes | None:
        path = self._root / "checkpoints" / run
        return path.read_bytes() if path.exists() else None

    def save(self, run: str, content: bytes) -> None:
        self.put(f"checkpoints/{run}", content)

    def remove(self, run: str) -> None:
        (self._root / "checkpoints" / run).unlink(missing_ok=True)

    def put(self, name: str, content: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class LakeFile:
    """A file for write_lines: packs what comes into objects, on another core, a few at once."""

    def __init__(self, folder: Folder, pool: ThreadPoolExecutor, kind: str) -> None:
        self._folder, self._pool, self._kind = folder, pool, kind
        self._held, self._waiting = bytearray(), list[Future[None]]()
        self._objects = 0

    def write(self, content: bytes) -> None:
        self._held += content
        if len(self._held) >= _OBJECT_BYTES:
            self.flush()

    def flush(self) -> None:
        name = f"events/dt=2026-01-01/import-{self._kind}-{self._objects:05d}.jsonl.gz"
        self._objects += 1
        packed = bytes(self._held)
        self._held.clear()
        self._waiting.append(self._pool.submit(lambda: self._folder.put(name, compress(packed))))
        while len(self._waiting) > 2:
            self._waiting.pop(0).result()

    def close(self) -> None:
        self.flush()
        for waiting in self._waiting:
            waiting.result()


class Stages:
    """A Progress that keeps when each stage was last told of, and prints it."""

    def __init__(self) -> None:
        self._began = self._last = (time.perf_counter(), time.process_time())

    def __call__(self, stage: str, done: int, total: int) -> None:
        if done != total:
            return
        self._last = self._tell(stage, self._last)

    def end(self) -> None:
        self._tell("in all", self._began)

    def _tell(self, stage: str, since: tuple[float, float]) -> tuple[float, float]:
        now = (time.perf_counter(), time.process_time())
        wall, cpu = now[0] - since[0], now[1] - since[1]
        say(f"{stage:<12} {wall:8.1f} s {cpu:8.1f} CPU s   peak {peak():5.2f} GiB")
        return now


def peak() -> float:
    """The largest resident set so far, GiB (Linux)."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(row.split()[1] for row in status if row.startswith("VmHWM"))) / 2**20


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_lake(root: Path, options: SimulatorOptions, events: int) -> None:
    """Writes the events and the catalogue of the built-in viewers.

    They have at most 50 million events. More are those of several lives of the same viewers.
    """
    folder = Folder(root)
    folder.put("items.jsonl.gz", gzip.compress(encode_movies(catalogue(options)), mtime=0))
    with ThreadPoolExecutor(2) as pool:
        lives = -(-events // _MOST_EVENTS)
        for life in range(lives):
            own = replace(options, interactions=events // lives, seed=options.seed + life)
            file = LakeFile(folder, pool, f"{life}")
            write_lines(own, file)  # type: ignore[arg-type]  # it calls write alone
            file.close()


def run(root: Path, iterations: int, clock: Callable[[], datetime]) -> Path:
    """Trains, telling of each stage; the folder of the model."""
    folder, stages = Folder(root), Stages()
    manifest = train(
        lake=folder,
        artefacts=folder,
        registry=FakeRegistry(),
        checkpoints=folder,
        policy=DEFAULT_POLICY,
        parameters=TrainingParameters(als=ALSParameters(factors=64, iterations=iterations)),
        git_commit="benchmark",
        clock=clock,
        progress=stages,
    )
    stages.end()
    lists = sum(entry.size for name, entry in manifest.files.items() if name.startswith("topk/"))
    say(f"version {manifest.version}: {manifest.topk_items:,} lists")
    say(f"written {folder.written / 2**20:,.0f} MiB, of them lists {lists / 2**20:,.0f} MiB")
    say(f"metrics {manifest.metrics}")
    told = json.loads(folder.read(manifest.version, "metrics.json"))["study"]["shrinkage"]
    tried = ", ".join(f"{ndcg:.4f} at {shrinkage:.3g}" for shrinkage, ndcg in told["tried"])
    say(f"shrinkage {told['shrinkage']:.3g}; NDCG@10 on the validation {tried}")
    return root / "models" / manifest.version


def main() -> None:
    """Reads the sizes, simulates once, and trains."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--users", type=int, default=1_000_000)
    arguments.add_argument("--items", type=int, default=27_000)
    arguments.add_argument("--events", type=int, default=50_000_000)
    arguments.add_argument("--iterations", type=int, default=12)
    arguments.add_argument(
        "--lake", type=Path, help="a folder to keep the events in, and find them"
    )
    arguments.add_argument("--stored", type=int, default=2_000_000, help="lists to import")
    arguments.add_argument("--reads", type=int, default=10_000, help="of those, at random")
    chosen = arguments.parse_args()
    options = SimulatorOptions(
        viewers=chosen.users,
        movies=chosen.items,
        interactions=min(chosen.events, _MOST_EVENTS),
        days=365,
    )
    key = sha256(f"{options} {chosen.events}".encode()).hexdigest()[:8]
    kept = chosen.lake is not None
    root = chosen.lake / key if kept else Path(mkdtemp(prefix="topshelf-million-"))
    try:
        if not (root / "complete").exists():
            began = time.perf_counter()
            write_lake(root, options, chosen.events)
            (root / "complete").touch()
            say(f"{'simulated':<12} {time.perf_counter() - began:8.1f} s   peak {peak():5.2f} GiB")
        # From here on the peak is that of the training.
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        model = run(root, chosen.iterations, lambda: datetime.now(UTC))
        rng = np.random.default_rng(7)
        say(import_and_read(model, at_least=chosen.stored, reads=chosen.reads, rng=rng))
    finally:
        if not kept:
            rmtree(root)


if __name__ == "__main__":
    main()
