"""``deploy``, ``canary``, ``promote``, ``roll-back`` and what chooses between the last two."""

import time
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.markup import escape

from infra.cli.console import err, out, stages
from infra.cli.options import ROOT
from infra.pipeline import options
from infra.pipeline.aws import sam
from infra.pipeline.load import Load, Thresholds
from infra.pipeline.reach import BUILD, SAM, folder_of, local_stage, reach, rollout_to
from infra.pipeline.rollout import Verdict, read_verdict, write_verdict
from infra.pipeline.rollout import canary as run_canary
from infra.pipeline.stage import Stage, Target, read_stage
from infra.pipeline.trying import tried
from topshelf.errors import ConflictError

__all__ = ["canary", "deploy", "down", "promote", "promote_or_roll_back", "roll_back"]

_THRESHOLDS = Thresholds()
_CANARY_SECONDS = 2700.0
# Few beside a platform's own, and enough for an alarm to have something to see.
_REQUESTS = 1000


def deploy(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
    source: options.Source = ROOT,
) -> None:
    """Deploy what was built to a stage, and wait until it serves.

    Example: `python -m infra.pipeline deploy --stage staging`
    """
    chosen = read_stage(stage, target)
    if target is Target.AWS:
        sam.deploy(sam.command(SAM, BUILD, chosen))
        return
    local = local_stage(chosen, state)
    release = local.releases.add(source)
    with stages() as progress:
        local.deploy(release, progress)
        local.seed(progress)
    _, record = local.connect()
    out.print(f"{stage}: release {release} answers at {record.api_url}")


def canary(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
    source: options.Source = ROOT,
    token: options.Token = "",
    requests: options.Requests = _REQUESTS,
    seconds: options.Seconds = _CANARY_SECONDS,
    p99_ms: options.P99 = _THRESHOLDS.p99_ms,
    error_share: options.ErrorShare = _THRESHOLDS.error_share,
) -> None:
    """Release to a stage step by step; try it meanwhile; stop it where it does not do: exit 1.

    Example: `python -m infra.pipeline canary --stage production`
    """
    chosen = read_stage(stage, target)
    load, thresholds = Load(requests=requests), Thresholds(p99_ms, error_share)
    noted = _noted(chosen, target, state)
    # Whoever ends us in the middle leaves no verdict: the next stage rolls back.
    noted.unlink(missing_ok=True)
    rollout = rollout_to(chosen, target, state, source, _Lines)
    write_verdict(noted, Verdict(False, "the canary did not come to its end", rollout.before()))
    verdict = run_canary(
        rollout,
        lambda: tried(reach(chosen, target, state, token), load, thresholds),
        say=lambda line: out.print(escape(f"{stage}: {line}")),
        wait=lambda: time.sleep(10),
        monotonic=time.monotonic,
        seconds=seconds,
    )
    write_verdict(noted, verdict)
    out.print(escape(f"{stage}: the canary {'passed' if verdict.passed else 'failed'}"))
    if not verdict.passed:
        raise typer.Exit(1)


def promote(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
) -> None:
    """Make sure that a release has all requests and nothing rings; exit 1 where it is not so.

    Example: `python -m infra.pipeline promote --stage production`
    """
    chosen = read_stage(stage, target)
    for line in rollout_to(chosen, target, state, ROOT, _Lines).promote():
        out.print(escape(f"{stage}: {line}"))


def roll_back(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
) -> None:
    """Go back to the code that served before the last canary, however far it is.

    Example: `python -m infra.pipeline roll-back --stage production`
    """
    chosen = read_stage(stage, target)
    verdict = read_verdict(_noted(chosen, target, state))
    before = verdict.before if verdict else {}
    for line in rollout_to(chosen, target, state, ROOT, _Lines).roll_back(before):
        out.print(escape(f"{stage}: {line}"))


def promote_or_roll_back(
    *,
    stage: options.StageName,
    target: options.To = Target.AWS,
    state: options.State = options.STATE,
) -> None:
    """Promote where the canary passed; else roll back, and exit 1.

    Example: `python -m infra.pipeline promote-or-roll-back --stage production`
    """
    verdict = read_verdict(_noted(read_stage(stage, target), target, state))
    if verdict is None:
        raise ConflictError(f"no canary of {stage} is noted here: run `make canary STAGE={stage}`")
    if verdict.passed:
        promote(stage=stage, target=target, state=state)
        return
    err.print(escape(f"{stage}: rolling back: {verdict.reason}"))
    if verdict.before:
        roll_back(stage=stage, target=target, state=state)
    else:
        err.print(escape(f"{stage}: nothing served before: there is nothing to go back to"))
    raise typer.Exit(1)


def down(
    *,
    stage: options.StageName,
    state: options.State = options.STATE,
) -> None:
    """End a stage's local cloud; what it held is gone.

    Example: `python -m infra.pipeline down --stage staging`
    """
    ending = local_stage(read_stage(stage, Target.LOCAL), state).down()
    out.print(f"{stage}: " + (f"its local cloud {ending}" if ending else "nothing runs"))


def _noted(stage: Stage, target: Target, state: Path) -> Path:
    return folder_of(stage, target, state) / "canary.json"


@dataclass(slots=True)
class _Lines:
    """Progress of a deployment in the middle of other words: each step once."""

    _last: str = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        del done, total  # who reads a log wants to know where it is, not how far
        if stage != self._last:
            self._last = stage
            err.print(f"{escape(stage)} ...")
