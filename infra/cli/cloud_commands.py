"""``topshelf up`` and ``topshelf demo``."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer
from botocore.exceptions import BotoCoreError
from rich.markup import escape

from infra.cli import options, releasing
from infra.cli.console import Progress, out, stages
from infra.cli.control import Control
from infra.cli.data_commands import import_into, summary_table, write_simulation
from infra.cli.detached import start, started
from infra.cli.model_commands import metrics_table, train_on
from infra.cli.running import (
    asked,
    beside,
    claim,
    down_command,
    ours,
    record_of,
    runs_already,
    say_stale,
)
from infra.cli.showing import check_served, show_viewers
from infra.cli.stack import Cloud, Place, Stack
from infra.cli.updating import print_addresses, say_changes, serve, update
from infra.importers import open_source
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.local.listening import free_port
from infra.local.process_id import ProcessId
from infra.local.run_record import RunRecord
from infra.local.state_folder import saved_at
from infra.simulator import SimulatorOptions
from topshelf.errors import InvalidInputError, TopshelfError, UnavailableError
from training.als import ALSParameters
from training.study import StudyOptions

__all__ = ["demo", "up"]

Auth = Annotated[
    bool,
    typer.Option(
        "--auth/--no-auth", help="Whether requests must be signed (SigV4), as they must be in AWS"
    ),
]

Persist = Annotated[
    Path | None,
    typer.Option(
        help="A folder that keeps what the cloud holds between runs; default: nothing is kept"
    ),
]


def up(
    ctx: typer.Context,
    *,
    auth: Auth = True,
    persist: Persist = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="In the background; `topshelf down` ends it")
    ] = False,
    report_to: Annotated[int | None, typer.Option(min=3, hidden=True)] = None,
) -> None:
    """Start the local cloud, deploy template.yaml to it and run it until Ctrl-C or `topshelf down`.

    Where it runs already, a template that has changed is deployed to it in place.

    Example: `topshelf up --detach --no-auth --persist ~/topshelf-state`
    """
    where = options.where(ctx)
    local = _local_cloud(where, auth=auth, persist=persist)
    records, record = where.records(), _record(local, "up")
    if detach:
        _start_detached(where, local, record)
        return
    if running := claim(records, record, time.time):
        _meet(where, running, record)
        return
    with ours(records, record) as ready, local, Control(local.options.state_dir) as control:
        with nullcontext() if report_to is None else started(report_to) as report:
            with stages() as progress:
                told = report or progress
                local.start(lambda _resource, done, total: told("deploy", done, total))
            ready(record.template)
        print_addresses(local, auth=auth)
        if lines := local.changes.lines():
            say_changes(lines, "template.yaml has changed since the state was kept")
        serve(local, control, ready)


def demo(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Real data: JSON lines or a MovieLens directory; default: built-in viewers"
        ),
    ] = None,
    once: Annotated[bool, typer.Option(help="Check what is served and end")] = False,
    auth: Auth = False,
    persist: Persist = None,
) -> None:
    """From nothing to recommendations: deploy, load, train, release, serve.

    Example: `topshelf demo --data ./ml-latest-small`
    """
    if data is not None:
        open_source(data)  # a bad path is told before anything is started
    began = time.monotonic()
    where = options.where(ctx)
    # What is served is checked then, whatever else the machine does; not how soon.
    patient = {"ReadTimeoutMs": "4000"} if once else {}
    local = _local_cloud(where, auth=auth, persist=persist, parameters=patient)
    _check_begins_with_nothing(local.options.persist)
    records, record = where.records(), _record(local, "demo")
    if running := claim(records, record, time.time):
        raise beside(running, time.time)
    scratch_folder = tempfile.TemporaryDirectory(prefix="topshelf-")
    with (
        ours(records, record) as ready,
        local,
        _explained_by(local),
        Control(local.options.state_dir) as control,
        scratch_folder as scratch,
    ):
        with stages() as progress:
            local.start(lambda _resource, done, total: progress("deploy", done, total))
            stack = Stack.connect(
                where.stack, Place(where.region, local.endpoint_url, local.lambda_url)
            )
            source = data or _built_in_viewers(Path(scratch), progress)
            summary = import_into(stack, source, progress)
            # One seed: who waits for recommendations does not wait for intervals.
            manifest = train_on(stack, ALSParameters(), progress, study=StudyOptions(seeds=1))
            # Shown whatever it is worth: on a handful of events popularity is hard to beat.
            releasing.release(stack, manifest.version, progress, force=True)
        out.print(summary_table(summary))
        out.print(metrics_table(manifest))
        show_viewers(stack, manifest, local.api_url, signed=auth)
        if once:
            checked = check_served(stack, manifest, source, local, signed=auth)
            out.print(f"checked: {checked}")
        ready(record.template)
        out.print(f"from nothing to recommendations in {time.monotonic() - began:.0f} s")
        if not once:
            print_addresses(local, auth=auth)
            serve(local, control, ready)


@contextmanager
def _explained_by(local: LocalCloud) -> Iterator[None]:
    """Where a part of the local cloud has died, says so rather than what came of it."""
    try:
        yield
    except (TopshelfError, BotoCoreError) as error:
        failure = local.failure()
        if failure is None:
            raise
        raise UnavailableError(failure) from error


def _check_begins_with_nothing(kept: Path | None) -> None:
    if kept is not None and saved_at(kept) is not None:
        raise InvalidInputError(
            "persist",
            f"{kept} keeps a state already, and a demo begins with nothing: "
            f"`topshelf up --persist {kept}` goes on with it, or name an empty folder",
        )


def _built_in_viewers(directory: Path, progress: Progress) -> Path:
    write_simulation(SimulatorOptions(), directory, progress)
    return directory


def _local_cloud(
    where: options.Where,
    *,
    auth: bool,
    persist: Path | None = None,
    parameters: Mapping[str, str] | None = None,
) -> LocalCloud:
    if where.cloud is Cloud.AWS:
        raise InvalidInputError("cloud", "this starts a local cloud; `sam deploy` deploys to AWS")
    cloud_port = where.cloud_port or free_port()
    return LocalCloud(
        LocalCloudOptions(
            template=options.ROOT / "template.yaml",
            stack_name=where.stack,
            region=where.region,
            cloud_port=cloud_port,
            api_port=where.api_port,
            lambda_port=where.lambda_port,
            auth=auth,
            state_dir=where.records().folder(cloud_port),
            emulator="localstack" if where.cloud is Cloud.LOCALSTACK else "moto",
            parameters=parameters or {},
            persist=persist.expanduser().resolve() if persist else None,
        )
    )


def _record(local: LocalCloud, command: Literal["up", "demo"]) -> RunRecord:
    own = ProcessId.of(os.getpid())
    if own is None:
        raise UnavailableError("/proc does not tell about this process; is it mounted?")
    return record_of(local, command, own, time.time)


def _start_detached(where: options.Where, local: LocalCloud, record: RunRecord) -> None:
    records = where.records()
    found = records.find(local.options.cloud_port)
    if found and found.process.alive():
        _meet(where, found, record)
        return
    if found:
        say_stale(found, time.time)
    wanted = local.options
    arguments = [
        f"--cloud={where.cloud}",
        f"--stack={where.stack}",
        f"--region={where.region}",
        f"--cloud-port={wanted.cloud_port}",
        f"--api-port={wanted.api_port}",
        f"--lambda-port={wanted.lambda_port}",
        f"--state-dir={where.state_dir}",
        "up",
        "--auth" if wanted.auth else "--no-auth",
        *([f"--persist={wanted.persist}"] if wanted.persist else []),
    ]
    log = wanted.state_dir / "up.log"
    with stages() as progress:
        pid = start(arguments, log, progress)
    stop = down_command(record)
    print_addresses(local, auth=wanted.auth, title=f"Running, pid {pid}; `{stop}` ends it")
    out.print(escape(f"log: {log}"))


def _meet(where: options.Where, running: RunRecord, record: RunRecord) -> None:
    """One runs already: it is what was asked for, or is given the template as it is now."""
    if not runs_already(running, asked(record, where, running), time.time):
        update(where.records(), running)
