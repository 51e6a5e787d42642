"""One local cloud a port: who has it, and what is said to whoever asks for it again."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from rich.markup import escape

from infra.cli.console import err, out
from infra.cli.health import faults_of
from infra.cli.options import ROOT, Where
from infra.local.cloud import LocalCloud
from infra.local.listening import await_free
from infra.local.process_id import ProcessId
from infra.local.run_record import RunRecord, RunRecords
from topshelf.errors import ConflictError, UnavailableError

__all__ = [
    "Clock",
    "asked",
    "beside",
    "claim",
    "describe",
    "digest_of",
    "down_command",
    "ours",
    "record_of",
    "runs_already",
    "say_stale",
    "since",
]

# The parts of one that was killed end by themselves, once the pipe from it closes.
_ORPHAN_SECONDS: Final = 10.0

Clock = Callable[[], float]


def record_of(
    local: LocalCloud, command: Literal["up", "demo"], process: ProcessId, clock: Clock
) -> RunRecord:
    """The record of a local cloud that is about to be started.

    Args:
        local: It.
        command: What starts it.
        process: The one that will hold it.
        clock: Seconds since the epoch.
    """
    options = local.options
    return RunRecord(
        process=process,
        command=command,
        since=clock(),
        ready=False,
        emulator=options.emulator,
        endpoint_url=local.endpoint_url,
        stack=options.stack_name,
        region=options.region,
        cloud_port=options.cloud_port,
        api_port=options.api_port,
        lambda_port=options.lambda_port,
        auth=options.auth,
        repository=str(ROOT),
        logs=str(options.state_dir / "logs"),
        template=digest_of(options.template),
        persist=str(options.persist or ""),
    )


def beside(running: RunRecord, clock: Clock) -> ConflictError:
    """Why nothing else can be started on its ports.

    Args:
        running: What runs.
        clock: Seconds since the epoch.
    """
    stop = f"`{down_command(running)}` ends it"
    return ConflictError(f"{describe(running, clock)}; {stop}, and other ports run beside it")


def asked(record: RunRecord, where: Where, running: RunRecord) -> RunRecord:
    """What was asked for, to compare with what runs: a port that may be any is the one it has.

    Args:
        record: Of the local cloud that would be started.
        where: The options.
        running: What runs.
    """
    return replace(
        record,
        api_port=where.api_port or running.api_port,
        lambda_port=where.lambda_port or running.lambda_port,
    )


def runs_already(running: RunRecord, wanted: RunRecord, clock: Clock) -> bool:
    """Says in one line that it runs already, if that is what was asked for.

    Args:
        running: What runs.
        wanted: What was asked for.
        clock: Seconds since the epoch.

    Returns:
        Whether it has the template as it is now; if not, nothing was said.

    Raises:
        ConflictError: It runs with other options, or is just being started.
        UnavailableError: It does not answer.
    """
    said = describe(running, clock)
    stop = f"`{down_command(running)}` ends it"
    other = _differences(running, wanted)
    if other:
        raise ConflictError(f"{said}, but with {', '.join(other)}; {stop}")
    if not running.ready:
        raise ConflictError(f"{said} and is not ready yet; wait for it, or {stop}")
    if faults := faults_of(running):
        raise UnavailableError(f"{said}, but {'; '.join(faults)}; {stop}")
    if running.template != wanted.template:
        return False
    out.print(escape(f"{said}; nothing has changed; {stop}"))
    return True


def claim(records: RunRecords, record: RunRecord, clock: Clock) -> RunRecord | None:
    """Takes the port for us; clears away what a process that was killed has left.

    Args:
        records: Where it is written down.
        record: Ours.
        clock: Seconds since the epoch.

    Returns:
        What runs there already; None if the port is ours.

    Raises:
        UnavailableError: The state directory cannot be written.
    """
    answer = records.claim(record)
    stale = answer.stale
    if stale:
        say_stale(stale, clock)
        own = [stale.api_port, stale.lambda_port]
        # A LocalStack is the user's: it goes on.
        await_free(own + [stale.cloud_port] * (stale.emulator == "moto"), _ORPHAN_SECONDS)
    return answer.running


@contextmanager
def ours(records: RunRecords, record: RunRecord) -> Iterator[Callable[[str], None]]:
    """Keeps our record for as long as the block runs.

    Args:
        records: Where it is written down.
        record: Ours, claimed.

    Yields:
        What notes that all is ready, with the template of the digest that it is given.
    """
    try:
        yield lambda template: records.update(replace(record, ready=True, template=template))
    finally:
        records.remove(record)


def describe(record: RunRecord, clock: Clock) -> str:
    """Who runs: where, since when, as which process.

    Args:
        record: It.
        clock: Seconds since the epoch.
    """
    what = "a demo" if record.command == "demo" else "the local cloud"
    return (
        f"{what} already runs at {record.api_url} (AWS: {record.endpoint_url}) "
        f"from {record.repository}, {since(record, clock)}, pid {record.process.pid}"
    )


def since(record: RunRecord, clock: Clock) -> str:
    """Since when it runs, and how long that is."""
    began = datetime.fromtimestamp(record.since, UTC)
    return f"since {began:%Y-%m-%d %H:%M:%S} UTC ({duration(clock() - record.since)})"


def duration(seconds: float) -> str:
    """A length of time for people, in its largest unit."""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def down_command(record: RunRecord) -> str:
    """What ends it, for copying."""
    port = "" if record.cloud_port == 4566 else f"--cloud-port {record.cloud_port} "
    return f"topshelf {port}down"


def say_stale(record: RunRecord, clock: Clock) -> None:
    """Says in one line that a record is not true any more.

    Args:
        record: It.
        clock: Seconds since the epoch.
    """
    ago = duration(clock() - record.since)
    err.print(
        f"`topshelf {record.command}` of {ago} ago (pid {record.process.pid}) was ended without "
        "being able to clean up: its record is cleared"
    )


def digest_of(template: Path) -> str:
    """SHA-256 of a template; empty where it cannot be read."""
    # One that cannot be read is told when it is translated.
    return hashlib.sha256(template.read_bytes()).hexdigest() if template.is_file() else ""


def _differences(running: RunRecord, wanted: RunRecord) -> list[str]:
    pairs = (
        ("--cloud", running.emulator, wanted.emulator),
        ("--stack", running.stack, wanted.stack),
        ("--region", running.region, wanted.region),
        ("--api-port", running.api_port, wanted.api_port),
        ("--lambda-port", running.lambda_port, wanted.lambda_port),
        ("--persist", running.persist or "nothing", wanted.persist or "nothing"),
        ("the code of", running.repository, wanted.repository),
    )
    found = [f"{name} {runs} instead of {asked}" for name, runs, asked in pairs if runs != asked]
    if running.auth != wanted.auth:
        found.append("--auth" if running.auth else "--no-auth")
    return found
