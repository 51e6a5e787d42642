"""The whole job on Spark beside that of one machine, and how their processes are measured."""

import sys
from pathlib import Path

import pytest

from infra.simulator import SimulatorOptions
from tests.benchmarks.million import write_lake
from tests.benchmarks.process_tree import Look, watch
from tests.benchmarks.spark_slice import compare, run_of
from training.judging import NDCG

MIB = 1 << 20

# A child that holds 200 MiB and is busy for half a second, below a shell that waits for it.
BUSY = (
    "import time; held = bytearray(b'x') * (200 << 20); "
    "exec('while time.process_time() < 0.5: pass'); time.sleep(1)"
)


def test_what_a_process_starts_is_counted_with_it() -> None:
    looks = watch(["/bin/sh", "-c", f'"{sys.executable}" -c "{BUSY}"; sleep 0.5'], every=0.05)
    assert looks[-1].processor == pytest.approx(0.6, abs=0.3)
    assert 200 * MIB < max(look.memory for look in looks) < 300 * MIB
    # The child is gone by then; what it took is not.
    assert looks[-2].memory < 50 * MIB
    assert looks[-2].processor > 0.4


def test_a_process_that_fails_is_told() -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        watch(["/bin/sh", "-c", "exit 3"])


def test_a_stage_has_what_was_taken_until_its_end() -> None:
    looks = [Look(0.0, 0.0, 10), Look(10.0, 5.0, 70), Look(20.0, 25.0, 30), Look(22.0, 25.0, 0)]
    steps = [("start", 1, 1, 4.0), ("fit", 1, 3, 9.0), ("fit", 2, 3, 12.0), ("fit", 3, 3, 16.0)]
    run = run_of(looks, {"steps": steps})
    told = {stage.name: (stage.wall, stage.processor) for stage in run.stages}
    # Half a second of processor a second until 10, two after it, none after 20.
    assert told == {"start": (4.0, 2.0), "fit": (12.0, 15.0), "end": (6.0, 8.0)}
    # The looks just before and after a stage count for it, too.
    assert [stage.memory for stage in run.stages] == [70, 70, 70]
    assert run.alternation == 3.5
    assert (run.together().wall, run.together(but=("fit",)).processor) == (22.0, 10.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_both_jobs_are_as_good_on_the_same_lake(tmp_path: Path) -> None:
    options = SimulatorOptions(viewers=2000, movies=300, interactions=60_000, days=365)
    write_lake(tmp_path, options, 60_000)
    found = compare(tmp_path, iterations=6, parts=2, memory="1g")
    one, spark = found.one.told, found.spark.told
    assert one["lists"] == spark["lists"] > one["users"] == spark["users"] > 1500
    assert one["metrics"]["popularity"] == pytest.approx(spark["metrics"]["popularity"])
    # Both chose, and by the same viewers.
    assert len(one["shrinkage"]["tried"]) >= 2
    assert one["shrinkage"]["users"] == spark["shrinkage"]["users"]
    assert abs(found.apart) < 0.005
    assert found.judged["one"]["100"] > 2 * one["metrics"]["popularity"][NDCG]
    # The judge's models are those that the jobs judged themselves.
    assert found.judged["one"]["10"] == pytest.approx(one["metrics"]["als"][NDCG], abs=1e-9)
    assert found.judged["spark"]["10"] == pytest.approx(spark["metrics"]["als"][NDCG], abs=2e-3)
    names = [stage.name for stage in found.spark.stages]
    told = [name for name in names if name not in {"check", "compare"}]
    assert told == ["start", "read", "choose", "evaluate", "fit", "lists", "upload", "end"]
    # A JVM, and workers beside the driver.
    assert found.spark.together().memory > found.one.together().memory > 100 * MIB
