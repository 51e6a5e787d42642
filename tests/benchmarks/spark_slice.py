"""The whole training job on Spark beside that of one machine, on the same lake.

The built-in viewers' events, as tests.benchmarks.million writes them, a tenth of its size; then
each job in a process of its own, and a judge that asks both models the same. The smallest setting
at which both choose a shrinkage by their viewers: --users 2000 --items 300 --events 60000.

Run: make bench-spark-slice, or with USERS=20000 ITEMS=5000 EVENTS=1000000 for less.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import mkdtemp
from typing import Any

import numpy as np

from infra.simulator import SimulatorOptions
from tests.benchmarks.million import say, write_lake
from tests.benchmarks.process_tree import Look, watch
from tests.benchmarks.spark_slice_jobs import MASTER, figures_of
from training.judging import NDCG

__all__ = ["Comparison", "Run", "Stage", "compare", "main"]

_UNALIKE = ("check", "compare")
"""What the jobs do unalike: on Spark the report studies less."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a job.

    Attributes:
        name: As the job tells it.
        wall: Seconds by the clock.
        processor: Seconds of processor time of all its processes.
        memory: Most resident bytes of all its processes together.
    """

    name: str
    wall: float
    processor: float
    memory: int


@dataclass(frozen=True, slots=True)
class Run:
    """A whole job.

    Attributes:
        stages: In their order, from the start of its process to the end.
        alternation: Seconds by the clock of one alternation of the fit, the median.
        told: What it found, see tests.benchmarks.spark_slice_jobs.
    """

    stages: tuple[Stage, ...]
    alternation: float
    told: Mapping[str, Any]

    def together(self, *, but: tuple[str, ...] = ()) -> Stage:
        """All stages as one."""
        own = [stage for stage in self.stages if stage.name not in but]
        return Stage(
            f"without {' and '.join(but)}" if but else "in all",
            sum(stage.wall for stage in own),
            sum(stage.processor for stage in own),
            max(stage.memory for stage in own),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both jobs.

    Attributes:
        one: On one machine.
        spark: On Spark.
        judged: What both are worth on the same test.
    """

    one: Run
    spark: Run
    judged: Mapping[str, Any]

    @property
    def apart(self) -> float:
        """NDCG@100 of Spark's model less that of one machine's."""
        return float(self.judged["spark"]["100"] - self.judged["one"]["100"])


def compare(root: Path, *, iterations: int = 12, parts: int = 4, memory: str = "4g") -> Comparison:
    """Trains twice on a lake that write_lake made, and judges.

    Args:
        root: Of the lake; models and figures go there, too.
        iterations: Alternations of each fit.
        parts: Shares of the viewers on Spark.
        memory: Of the JVM, as Spark writes it.

    Raises:
        RuntimeError: One of the processes failed.
    """
    found = {}
    for job in ("one", "spark", "judge"):
        module = [sys.executable, "-m", "tests.benchmarks.spark_slice_jobs", job]
        options = {"lake": root, "iterations": iterations, "parts": parts, "memory": memory}
        said = [text for name, value in options.items() for text in (f"--{name}", f"{value}")]
        looks = watch([*module, *said])
        found[job] = looks, json.loads(figures_of(root, job).read_text("utf-8"))
    return Comparison(run_of(*found["one"]), run_of(*found["spark"]), found["judge"][1])


def run_of(looks: list[Look], told: Mapping[str, Any]) -> Run:
    """A run from what was seen of its processes and what it told of its steps."""
    ends = {stage: at for stage, done, total, at in told["steps"] if done == total}
    # Each was told of last when it was done; the order is that of the ends.
    names = sorted(ends, key=ends.__getitem__)
    moments = [looks[0].at, *(ends[name] for name in names), looks[-1].at]
    stages = [
        _stage(name, looks, since, until)
        for name, (since, until) in zip([*names, "end"], pairwise(moments), strict=True)
    ]
    fitted = [at for stage, _, _, at in told["steps"] if stage == "fit"]
    return Run(tuple(stages), median(b - a for a, b in pairwise(fitted)), told)


def _stage(name: str, looks: list[Look], since: float, until: float) -> Stage:
    times = [look.at for look in looks]
    taken = [look.processor for look in looks]
    processor = float(np.diff(np.interp([since, until], times, taken))[0])
    near = np.searchsorted(times, [since, until])
    within = looks[max(near[0] - 1, 0) : near[1] + 1]
    return Stage(name, until - since, processor, max(look.memory for look in within))


def _rows(found: Comparison) -> Iterator[str]:
    one, spark = found.one, found.spark
    yield f"{'':<26}|{'one machine':^33}|{f'Spark, {MASTER}':^33}"
    head = f"{'clock':>10} {'processor':>11} {'memory':>10}"
    yield f"{'stage':<26}|{head}|{head}"
    names = dict.fromkeys(stage.name for stage in (*one.stages, *spark.stages))
    own, other = ({stage.name: stage for stage in run.stages} for run in (one, spark))
    # The end is that of both.
    for name in [*(name for name in names if name != "end"), "end"]:
        yield _row(name, own.get(name), other.get(name))
    yield _row("in all", one.together(), spark.together())
    yield _row(
        f"without {' and '.join(_UNALIKE)}",
        one.together(but=_UNALIKE),
        spark.together(but=_UNALIKE),
    )
    yield _line(
        "an alternation of the fit", f"{one.alternation:.2f} s", f"{spark.alternation:.2f} s"
    )
    yield _line("lists written", f"{one.told['lists']:,}", f"{spark.told['lists']:,}")
    chosen = [f"{run.told['shrinkage']['shrinkage']:.3g}" for run in (one, spark)]
    yield _line("shrinkage chosen", *chosen)
    for model in ("als", "popularity"):
        figures = [f"{run.told['metrics'][model][NDCG]:.4f}" for run in (one, spark)]
        yield _line(f"NDCG@10 of {model}", *figures)
    deep = [f"{found.judged[job]['100']:.4f}" for job in ("one", "spark")]
    yield _line("NDCG@100 of als", *deep)
    for name, run in (("one machine", one), (f"Spark, {MASTER}", spark)):
        tried = (f"{ndcg:.4f} at {step:.3g}" for step, ndcg in run.told["shrinkage"]["tried"])
        yield f"NDCG@10 on the validation, {name}: {', '.join(tried) or 'too few viewers'}"
    yield (
        f"NDCG@100 apart: {found.apart:+.4f}, standard error {found.judged['error']:.4f}, "
        f"{found.judged['users']:,} viewers asked"
    )


def _row(name: str, *stages: Stage | None) -> str:
    told = (
        f"{stage.wall:>8.1f} s {stage.processor:>9.1f} s {stage.memory / 2**30:>6.2f} GiB"
        if stage
        else " " * 33
        for stage in stages
    )
    return "|".join([f"{name:<26}", *told])


def _line(name: str, one: str, spark: str) -> str:
    return f"{name:<26}|{one:>33}|{spark:>33}"


def main(arguments: list[str] | None = None) -> int:
    """Simulates once, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--parts", type=int, default=4, help="shares of the viewers on Spark")
    parser.add_argument("--memory", default="4g", help="of Spark's JVM")
    chosen = parser.parse_args(arguments)
    options = SimulatorOptions(
        viewers=chosen.users, movies=chosen.items, interactions=chosen.events, days=365
    )
    root = Path(mkdtemp(prefix="topshelf-slice-"))
    try:
        began = time.perf_counter()
        write_lake(root, options, chosen.events)
        say(f"simulated in {time.perf_counter() - began:.1f} s")
        found = compare(
            root, iterations=chosen.iterations, parts=chosen.parts, memory=chosen.memory
        )
        say("\n".join(_rows(found)))
    finally:
        rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
