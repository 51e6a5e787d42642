"""``smoke`` and ``load-test``: a deployed stage, tried as its clients would."""

import time

import typer
from rich.markup import escape

from infra.cli.console import out
from infra.pipeline import options
from infra.pipeline.load import Load, LoadReport, Thresholds, put_load
from infra.pipeline.reach import Reached, reach
from infra.pipeline.smoke import Check
from infra.pipeline.smoke import smoke as try_all
from infra.pipeline.stage import Target, read_stage

__all__ = ["load_test", "smoke", "tried"]

_LOAD = Load()
_THRESHOLDS = Thresholds()


def smoke(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
    token: options.Token = "",
) -> None:
    """Try everything that a stage's API offers, once; exit 1 where something fails.

    Example: `python -m infra.pipeline smoke --stage staging`
    """
    found = reach(read_stage(stage, target), target, state, token)
    if _smoked(found):
        raise typer.Exit(1)


def load_test(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
    token: options.Token = "",
    requests: options.Requests = _LOAD.requests,
    concurrency: options.Concurrency = _LOAD.concurrency,
    seconds: options.Seconds = _LOAD.seconds,
    p99_ms: options.P99 = _THRESHOLDS.p99_ms,
    error_share: options.ErrorShare = _THRESHOLDS.error_share,
) -> None:
    """Ask a stage for lists, bounded in number and time; exit 1 where a threshold is missed.

    Example: `python -m infra.pipeline load-test --stage staging --requests 500`
    """
    load = Load(requests=requests, concurrency=concurrency, seconds=seconds)
    found = reach(read_stage(stage, target), target, state, token)
    if _loaded(found, load, Thresholds(p99_ms, error_share)):
        raise typer.Exit(1)


def tried(found: Reached, load: Load, thresholds: Thresholds) -> list[str]:
    """Smoke test and load of a stage.

    Args:
        found: The stage.
        load: How much is sent.
        thresholds: What is asked of the answers.

    Returns:
        What is wrong, a line each; nothing where all is well.
    """
    return _smoked(found) or _loaded(found, load, thresholds)


def _smoked(found: Reached) -> list[str]:
    viewer = found.viewers()[0]
    checks = try_all(found.api, viewer, now_ms=time.time_ns() // 10**6, refuses=found.refuses)
    for check in checks:
        out.print(_line(check))
    return [f"{check.name}: {check.fault}" for check in checks if check.fault]


def _line(check: Check) -> str:
    mark = "[red]failed[/]" if check.fault else "[green]ok[/]    "
    return f"{mark} {escape(check.name)}" + (f": {escape(check.fault)}" if check.fault else "")


def _loaded(found: Reached, load: Load, thresholds: Thresholds) -> list[str]:
    out.print(
        f"{load.requests:,} requests at concurrency {load.concurrency} to {found.api.url}, after "
        f"{load.warm_up:,} to warm up; wanted: p99 below {thresholds.p99_ms:g} ms, "
        f"errors below {thresholds.error_share:.2%}"
    )
    report: LoadReport = put_load(found.api, found.viewers(), load, time.monotonic)
    for line in report.lines():
        out.print(escape(line))
    faults = report.faults(thresholds)
    for fault in faults:
        out.print(f"[red]missed[/] {escape(fault)}")
    return faults
