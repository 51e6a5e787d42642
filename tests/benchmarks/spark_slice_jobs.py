"""The processes of tests.benchmarks.spark_slice: the job on one machine, on Spark, and a judge.

Each runs in a process of its own, so that what it takes can be told apart, and leaves a JSON file.
Spark is imported where it is used: the job of one machine knows nothing of it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tests.benchmarks.million import Folder
from tests.fakes.model_ports import FakeCheckpoints, FakeRegistry
from topshelf.events import DEFAULT_POLICY
from topshelf.manifest import Manifest
from topshelf.metrics import hit_matrix, ndcg_at_k
from training.als import ALSParameters
from training.checks import DEFAULT_CHECKS
from training.evaluate import Model, fit, rank
from training.gathering import gather
from training.interactions import build_interactions
from training.job import train
from training.parameters import TrainingParameters
from training.selection import TemporalSplit, split_by_time, timeline_of

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["MASTER", "START", "figures_of", "main"]

MASTER = "local[2]"
START = "start"
"""The stage before the job's own: the interpreter, its modules, and a session of Spark."""

_DEPTHS = (10, 100)


class Told:
    """A Progress that keeps when each step was told of, and tells people of each stage's end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.steps: list[tuple[str, int, int, float]] = []

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.steps.append((stage, done, total, time.monotonic()))
        if done == total:
            sys.stderr.write(f"{self._name}: {stage}\n")


def figures_of(root: Path, job: str) -> Path:
    """Where a process leaves what it found."""
    return root / "figures" / f"{job}.json"


def _parameters(iterations: int) -> TrainingParameters:
    return TrainingParameters(als=ALSParameters(factors=64, iterations=iterations))


def on_one_machine(root: Path, iterations: int) -> dict[str, Any]:
    """The whole job, as in the container."""
    folder, told = Folder(root), Told("one machine")
    told(START, 1, 1)
    manifest = train(
        lake=folder,
        artefacts=folder,
        registry=FakeRegistry(),
        checkpoints=folder,
        policy=DEFAULT_POLICY,
        parameters=_parameters(iterations),
        git_commit="benchmark",
        clock=lambda: datetime.now(UTC),
        progress=told,
    )
    return _trained(folder, manifest, told)


def on_spark(root: Path, iterations: int, parts: int, memory: str) -> dict[str, Any]:
    """The whole job, as EMR Serverless runs it, with two workers of this machine."""
    from training.spark.job import train_shared

    folder, told = Folder(root), Told(f"Spark, {MASTER}")
    with _session(memory) as context:
        told(START, 1, 1)
        manifest = train_shared(
            context,
            open_lake=partial(Folder, root),
            open_artefacts=partial(Folder, root),
            registry=FakeRegistry(),
            checkpoints=folder,
            policy=DEFAULT_POLICY,
            parameters=_parameters(iterations),
            git_commit="benchmark",
            clock=lambda: datetime.now(UTC),
            progress=told,
            parts=parts,
        )
    return _trained(folder, manifest, told)


def _trained(folder: Folder, manifest: Manifest, told: Told) -> dict[str, Any]:
    study = json.loads(folder.read(manifest.version, "metrics.json"))["study"]
    return {
        "version": manifest.version,
        "lists": manifest.topk_items,
        "users": manifest.n_users,
        "metrics": manifest.metrics,
        "shrinkage": study["shrinkage"],
        "steps": told.steps,
    }


def judged(root: Path, iterations: int, parts: int, memory: str) -> dict[str, Any]:
    """What both are worth on the same test, deeper than the jobs look.

    Both learn the evaluation's histories again, each with the shrinkage that its job chose; the
    viewers asked are those of both jobs' evaluations.
    """
    parameters = _parameters(iterations)
    split = _split(root, parameters)
    sizes = np.diff(split.targets.indptr)
    known = split.known()

    def gains(model: Model) -> dict[int, NDArray[np.float64]]:
        ranked = rank(model, known, max(_DEPTHS)).rows
        hits = hit_matrix(ranked, split.targets.indptr, split.targets.indices)
        return {depth: ndcg_at_k(hits, sizes, depth) for depth in _DEPTHS}

    als = {
        job: replace(parameters.als, shrinkage=_found(root, job)["shrinkage"]["shrinkage"])
        for job in ("one", "spark")
    }
    with threadpool_limits(1, "blas"):
        model = fit(
            split.history, als["one"], recency=parameters.recency, damping=parameters.damping
        )
        one = gains(model)
        spark = gains(_fit_on_spark(split, parameters, als["spark"], parts, memory))
    apart = spark[100] - one[100]
    return {
        "users": len(apart),
        "one": {depth: float(own.mean()) for depth, own in one.items()},
        "spark": {depth: float(own.mean()) for depth, own in spark.items()},
        # Of the mean difference, by the viewers' own differences.
        "error": float(apart.std(ddof=1) / np.sqrt(len(apart))),
    }


def _split(root: Path, parameters: TrainingParameters) -> TemporalSplit:
    now = int(time.time() * 1000)
    folder, silent = Folder(root), lambda *_: None
    found = gather(folder, DEFAULT_POLICY, DEFAULT_CHECKS, silent, now=now, shown=False)
    data = build_interactions(found.events, parameters.confidence, found.shown)
    return split_by_time(timeline_of(data), np.random.default_rng(parameters.als.seed))


def _fit_on_spark(
    split: TemporalSplit,
    parameters: TrainingParameters,
    als: ALSParameters,
    parts: int,
    memory: str,
) -> Model:
    from training.spark.als import fit_shared
    from training.spark.progress import ItemCheckpoints

    bounds = np.linspace(0, split.history.n_users, parts + 1).astype(int)
    shares = [split.history.of(np.arange(start, stop)) for start, stop in pairwise(bounds)]
    with _session(memory) as context:
        return fit_shared(
            context.parallelize(shares, parts),
            als,
            lambda _: None,
            ItemCheckpoints(FakeCheckpoints(), als).of,
            recency=parameters.recency,
            damping=parameters.damping,
        ).model()


@contextmanager
def _session(memory: str) -> "Iterator[SparkContext]":
    from training.spark.session import training_session

    spark = training_session(MASTER, spark_driver_memory=memory)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark.sparkContext
    finally:
        spark.stop()


def _found(root: Path, job: str) -> dict[str, Any]:
    return json.loads(figures_of(root, job).read_text("utf-8"))


def main() -> int:
    """Runs one of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=["one", "spark", "judge"])
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--parts", type=int, required=True)
    parser.add_argument("--memory", required=True, help="of the JVM")
    chosen = parser.parse_args()
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        "one": lambda: on_one_machine(chosen.lake, chosen.iterations),
        "spark": lambda: on_spark(chosen.lake, chosen.iterations, chosen.parts, chosen.memory),
        "judge": lambda: judged(chosen.lake, chosen.iterations, chosen.parts, chosen.memory),
    }
    found = jobs[chosen.job]()
    path = figures_of(chosen.lake, chosen.job)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
