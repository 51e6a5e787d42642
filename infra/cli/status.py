"""``topshelf status``: what runs, whether it answers, and what it holds."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from infra.cli import options
from infra.cli.console import out
from infra.cli.down import nothing_runs
from infra.cli.health import answers_of
from infra.cli.running import Clock, down_command, duration, say_stale, since
from infra.cli.stack import Cloud, Place, Stack
from infra.cli.stack_view import Holdings, StackView, view
from infra.local.keeping import Keeping, keeping
from infra.local.process_id import Child, children_of
from infra.local.run_record import RunRecord, RunRecords
from infra.local.state_folder import saved_at
from topshelf.errors import TopshelfError

__all__ = ["holdings_table", "parts_of", "status"]

_NOTHING_RUNS: Final = 3
_SHOWN_VERSIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a local cloud.

    Attributes:
        name: For people.
        pid: Its process; None for one that is the user's own.
        url: Where it answers; None for one that listens nowhere.
        fault: Why it does not; None while it answers, or runs.
    """

    name: str
    pid: int | None
    url: str | None
    fault: str | None


def status(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object")] = False,
) -> None:
    """What runs, whether it answers, and what it holds.

    The exit status is 0 if all is well, 1 if something does not answer, 3 if nothing runs.

    Example: `topshelf status --json`
    """
    where = options.where(ctx)
    if where.cloud is Cloud.AWS:
        seen = view(where.connect())
        _show({"stack": asdict(seen)}, holdings_table(seen, time.time), as_json=as_json)
        return
    records = where.records()
    record = _running(records, where.cloud_port)
    if record is None:
        line = nothing_runs(records, where.cloud_port)
        _show({"running": False, "detail": line}, line, as_json=as_json)
        raise typer.Exit(_NOTHING_RUNS)
    parts = parts_of(record)
    found, fault = _look(record)
    state = _state(record)
    well = record.ready and not any([fault, state and state.fault, *(p.fault for p in parts)])
    document = {
        "running": True,
        "well": well,
        "record": asdict(record),
        "parts": [asdict(part) for part in parts],
        "state": {"folder": record.persist, **asdict(state)} if state else None,
        "stack": asdict(found) if found else None,
        "fault": fault,
    }
    shown: list[Any] = [_parts_table(record, parts, state)]
    shown += (
        [holdings_table(found, time.time)]
        if found
        else [escape(f"the stack cannot be read: {fault}")]
    )
    _show(document, Group(*shown), as_json=as_json)
    if not well:
        raise typer.Exit(1)


def parts_of(record: RunRecord) -> list[Part]:
    """The parts of a local cloud, each asked whether it answers.

    Args:
        record: It.
    """
    children = children_of(record.process)
    emulator = next((c for c in children if "infra.local.moto_server" in c.command), None)
    parts = []
    for answer in answers_of(record):
        pid: int | None = record.process.pid
        if answer.url.startswith(f"{record.endpoint_url}/"):
            pid = emulator.process.pid if emulator else None
        parts.append(Part(answer.part, pid, answer.url, answer.fault))
    parts += [
        Part(_function(child), child.process.pid, None, None)
        for child in children
        if "infra.local.worker" in child.command
    ]
    return parts


def _state(record: RunRecord) -> Keeping | None:
    """How it goes with keeping the state; None where nothing is to be kept."""
    if not record.persist:
        return None
    return keeping(record.endpoint_url) or Keeping(saved_at(Path(record.persist)), None)


def _kept(record: RunRecord, state: Keeping | None, now: float) -> str:
    if state is None:
        return "goes when it ends (--persist DIR keeps it)"
    kept = f"kept {duration(now - state.kept_at)} ago" if state.kept_at else "not kept yet"
    fault = f", and cannot be kept since: {state.fault}" if state.fault else ""
    return f"{record.persist}, {kept}{fault}"


def _function(child: Child) -> str:
    return f"function {Path(child.directory).name or 'of unknown name'}"


def _running(records: RunRecords, cloud_port: int) -> RunRecord | None:
    record = records.find(cloud_port)
    if record is None or record.process.alive():
        return record
    say_stale(record, time.time)
    records.remove(record)
    return None


def _look(record: RunRecord) -> tuple[StackView | None, str | None]:
    place = Place(record.region, record.endpoint_url, record.lambda_url)
    try:
        return view(Stack.connect(record.stack, place)), None
    except TopshelfError as error:
        return None, str(error)


def _show(document: dict[str, Any], text: Any, *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=document, indent=2)
    else:
        out.print(text)


def _parts_table(record: RunRecord, parts: list[Part], state: Keeping | None) -> Table:
    table = Table(
        title=f"topshelf {record.command}, {since(record, time.time)}; "
        f"`{down_command(record)}` ends it",
        caption=f"{'' if record.ready else 'not ready yet; '}from {escape(record.repository)}; "
        f"logs: {escape(record.logs)}; state: {escape(_kept(record, state, time.time()))}",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("part", "pid", "where", ""):
        table.add_column(column)
    for part in parts:
        answers = part.fault or ("answers" if part.url else "runs")
        table.add_row(part.name, str(part.pid or "yours"), _address(part.url), escape(answers))
    return table


def holdings_table(seen: StackView, clock: Clock) -> Table:
    """What a stack holds, for people.

    Args:
        seen: It.
        clock: Seconds since the epoch.
    """
    now = clock()
    table = Table(title="What it holds", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # whole keys, for copying
    table.add_row(
        "live", f"{seen.live}{_age(seen.live_trained_at, now)}" if seen.live else "nothing"
    )
    table.add_row("events", _held(seen.events))
    table.add_row("newest events", _newest(seen.events, now))
    table.add_row("quarantine", _held(seen.quarantine))
    table.add_row("newest refused", _newest(seen.quarantine, now))
    shown = seen.versions[:_SHOWN_VERSIONS]
    lines = [f"{v.version} {v.status}{f' ({v.slot})' if v.slot else ''}" for v in shown]
    if len(seen.versions) > len(shown):
        lines.append(f"and {len(seen.versions) - len(shown):,} more")
    table.add_row("versions", "\n".join(lines) or "none")
    return table


def _held(holdings: Holdings) -> str:
    lines = "" if holdings.lines is None else f", {holdings.lines:,} lines"
    return f"{holdings.objects:,} objects, {holdings.size:,} bytes{lines}"


def _address(url: str | None) -> str:
    """Without what was asked for there."""
    return "/".join(url.split("/")[:3]) if url else ""


def _newest(holdings: Holdings, now: float) -> str:
    return (
        f"{escape(holdings.newest)}{_age(holdings.newest_at, now)}" if holdings.newest else "none"
    )


def _age(moment: float | None, now: float) -> str:
    return "" if moment is None else f" ({duration(now - moment)} ago)"
