"""A local cloud at work: watched, and given its template anew when somebody asks for it."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from rich.markup import escape
from rich.table import Table

from infra.cli.console import err, out, stages
from infra.cli.control import Control, Request, ask_for_update
from infra.cli.running import digest_of
from infra.local.cloud import LocalCloud
from infra.local.keeping import keeping
from infra.local.run_record import RunRecord, RunRecords
from topshelf.errors import TopshelfError, UnavailableError

__all__ = ["print_addresses", "say_changes", "serve", "update"]

_WATCH_SECONDS: Final = 0.5
_KEEPING_SECONDS: Final = 5.0


def update(records: RunRecords, running: RunRecord) -> None:
    """Has what runs deploy its template as it is now, and says what changed.

    Args:
        records: Where it is written down.
        running: It.

    Raises:
        UnavailableError: It could not; what ran before goes on.
    """
    with stages() as progress:
        lines = ask_for_update(records.folder(running.cloud_port), progress)
    say_changes(lines, f"{running.repository}/template.yaml is deployed at {running.api_url}")


def say_changes(lines: Sequence[str], said: str) -> None:
    """Says what a deployment changed.

    Args:
        lines: A line a kind of change.
        said: What was done.
    """
    out.print(escape(f"{said}:" if lines else f"{said}; nothing has changed"))
    for line in lines:
        out.print(escape(f"  {line}"))


def serve(local: LocalCloud, control: Control, ready: Callable[[str], None]) -> None:
    """Runs until Ctrl-C; deploys the template anew for whoever asks.

    Args:
        local: What runs.
        control: Who asks.
        ready: Notes the digest of the template that runs.

    Raises:
        UnavailableError: A part has died.
    """
    warnings = _Warnings(local)
    while (failure := local.failure()) is None:
        warnings.look()
        request = control.take(_WATCH_SECONDS)
        if request is not None:
            _answer(request, local, ready)
    raise UnavailableError(failure)


def _answer(request: Request, local: LocalCloud, ready: Callable[[str], None]) -> None:
    template = local.options.template
    # Before it is read: who edits it meanwhile is not taken for deployed.
    digest = digest_of(template)
    try:
        changes = local.update(lambda _, done, total: request.progress("deploy", done, total))
        lines = changes.lines()
        ready(digest)
    except TopshelfError as error:
        request.failed(str(error))
        err.print(f"[red]topshelf:[/] {escape(str(error))}")
        return
    except BaseException as error:
        request.failed(f"the local cloud ended ({type(error).__name__})")
        raise
    request.done(lines)
    say_changes(lines, f"{template} is deployed anew")


def print_addresses(
    local: LocalCloud, *, auth: bool, title: str = "Running; Ctrl-C ends it"
) -> None:
    """Says where it answers, and how.

    Args:
        local: What runs.
        auth: Whether requests must be signed.
        title: What is said above it.
    """
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_row("API", local.api_url)
    table.add_row("API for people", f"{local.api_url}/docs")
    table.add_row("AWS (emulated)", local.endpoint_url)
    table.add_row(
        "signatures",
        "asked for (SigV4)"
        if auth
        else "NOT asked for (--no-auth); in AWS every request is signed",
    )
    table.add_row(
        "state",
        escape(f"kept in {local.options.persist}")
        if local.options.persist
        else "goes when it ends (--persist DIR keeps it)",
    )
    out.print(table)


class _Warnings:
    """Says, once, when the state can no longer be kept, and when it can again.

    Args:
        local: What runs.
    """

    def __init__(self, local: LocalCloud) -> None:
        self._local = local
        self._next = 0.0
        self._fault: str | None = None

    def look(self) -> None:
        """Asks, if the last time is a while ago."""
        folder = self._local.options.persist
        if folder is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _KEEPING_SECONDS
        found = keeping(self._local.endpoint_url)
        fault = found.fault if found else self._fault
        if fault != self._fault:
            said = (
                f"the state cannot be kept in {folder} ({fault}): make room; what was kept before "
                "stands, and it is tried again"
                if fault
                else f"the state is kept in {folder} again"
            )
            err.print(f"[yellow]topshelf:[/] {escape(said)}")
        self._fault = fault
