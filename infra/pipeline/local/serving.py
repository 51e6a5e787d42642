"""The process of a stage on this machine: a local cloud of its own, until it is ended.

As `topshelf up --detach` has it, but with the template of a release instead of the checkout's.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from infra.cli.console import err
from infra.cli.control import Control
from infra.cli.detached import started
from infra.cli.running import claim, ours, record_of
from infra.cli.updating import serve
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.process_id import ProcessId
from infra.local.run_record import RunRecords
from topshelf.errors import ConflictError, TopshelfError, UnavailableError

__all__ = ["main"]


def _serve(
    *,
    template: Annotated[Path, typer.Option()],
    stack: Annotated[str, typer.Option()],
    region: Annotated[str, typer.Option()],
    state_dir: Annotated[Path, typer.Option()],
    cloud_port: Annotated[int, typer.Option()],
    report_to: Annotated[int, typer.Option(min=3)],
    parameter: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    """Deploys, reports, and serves until TERM."""
    records = RunRecords(state_dir)
    local = LocalCloud(
        LocalCloudOptions(
            template=template,
            stack_name=stack,
            region=region,
            cloud_port=cloud_port,
            api_port=0,
            lambda_port=0,
            parameters=dict(one.split("=", 1) for one in parameter or ()),
            state_dir=records.folder(cloud_port),
        )
    )
    own = ProcessId.of(os.getpid())
    if own is None:
        raise UnavailableError("/proc does not tell about this process; is it mounted?")
    record = record_of(local, "up", own, time.time)
    if claim(records, record, time.time):
        raise ConflictError(f"cloud port {cloud_port} has just been taken; try again")
    with ours(records, record) as ready, local, Control(local.options.state_dir) as control:
        with started(report_to) as report:
            local.start(lambda _resource, done, total: report("deploy", done, total))
            ready(record.template)
        serve(local, control, ready)


def _on_term(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Runs it; the last line says what went wrong."""
    signal.signal(signal.SIGTERM, _on_term)
    try:
        typer.run(_serve)
    except TopshelfError as error:
        err.print("topshelf:", escape(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
