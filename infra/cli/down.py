"""``topshelf down``: ends a local cloud, whoever started it, from anywhere."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from infra.cli import options
from infra.cli.console import out
from infra.cli.running import duration, since
from infra.local.process_id import Ending, children_of, end_process
from infra.local.run_record import RunRecord, RunRecords
from infra.local.state_folder import saved_at

__all__ = ["down", "nothing_runs"]

_ORPHAN_SECONDS: Final = 5.0
# What an emulator holds is kept at disk speed, whatever became of who started it.
_STATE_SECONDS: Final = 600.0


def down(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="On every cloud port")] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds it has to end by itself before it is killed")
    ] = 20.0,
) -> None:
    """End the local cloud on the cloud port, whoever started it, from any folder.

    Example: `topshelf down`
    """
    where = options.where(ctx)
    records = where.records()
    if every:
        chosen = records.running()
    else:
        found = records.find(where.cloud_port)
        chosen = [found] if found else []
    if not chosen:
        out.print(nothing_runs(records, None if every else where.cloud_port))
    for record in chosen:
        out.print(escape(end(records, record, wait)))


def end(records: RunRecords, record: RunRecord, wait: float) -> str:
    """Ends one local cloud, all of its parts, and removes its record.

    Args:
        records: Where it is written down.
        record: It.
        wait: Seconds between TERM and KILL.

    Returns:
        What came of it, for a person.

    Raises:
        UnavailableError: It does not end, or its record cannot be removed.
    """
    # Known before it ends: afterwards nothing tells whose they were.
    children = children_of(record.process)
    asked = time.time()
    ending = end_process(record.process, wait)
    deadline = time.monotonic() + (_STATE_SECONDS if record.persist else _ORPHAN_SECONDS)
    for child in children:
        while child.process.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        end_process(child.process, grace=0)
    records.remove(record)
    who = f"the local cloud on cloud port {record.cloud_port} (pid {record.process.pid})"
    if ending is Ending.GONE:
        return f"{who} was gone already; its record is removed"
    if ending is Ending.KILLED:
        killed = f"{who} did not end within {wait:.0f} s and was killed"
        return f"{killed}{_lost(record, asked)}"
    return f"{who}, {since(record, time.time)}, has ended{_lost(record, asked)}"


def _lost(record: RunRecord, asked: float) -> str:
    """What to say where not all was kept that was to be."""
    if not record.persist:
        return ""
    kept = saved_at(Path(record.persist))
    if kept is not None and kept >= asked:
        return ""
    ago = f"what was kept {duration(asked - kept)} before stands" if kept else "nothing is kept"
    return f", but its last changes could not be kept in {record.persist}: {ago}"


def nothing_runs(records: RunRecords, cloud_port: int | None) -> str:
    """One line: nothing runs there, and what runs elsewhere.

    Args:
        records: Where it is written down.
        cloud_port: Where; None for anywhere.
    """
    if cloud_port is None:
        return "nothing runs"
    others = [str(r.cloud_port) for r in records.running() if r.cloud_port != cloud_port]
    more = f"; on cloud port {' and '.join(others)} one does (--cloud-port)" if others else ""
    return f"nothing runs on cloud port {cloud_port}{more}"
