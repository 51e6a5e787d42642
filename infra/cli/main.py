"""The ``topshelf`` command: the face for people."""

import os
import signal
import sys
from types import FrameType

import typer
from botocore.exceptions import BotoCoreError
from rich.markup import escape

from infra.cli import (
    cloud_commands,
    cost_command,
    data_commands,
    destroy_command,
    down,
    model_commands,
    options,
    status,
)
from infra.cli.console import err
from topshelf.errors import InvalidInputError, TopshelfError

__all__ = ["app", "main"]

app = typer.Typer(
    name="topshelf",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(options.common)
app.command(name="up")(cloud_commands.up)
app.command(name="down")(down.down)
app.command(name="status")(status.status)
app.command(name="demo")(cloud_commands.demo)
app.command(name="simulate")(data_commands.simulate)
app.command(name="import-events")(data_commands.import_events)
app.command(name="train")(model_commands.train)
app.command(name="release")(model_commands.release)
app.command(name="rollback")(model_commands.rollback)
app.command(name="bake")(model_commands.bake)
app.command(name="cost")(cost_command.cost)
app.command(name="destroy")(destroy_command.destroy)


def _on_term(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Runs the command; what the user can mend is one line, without a traceback."""
    # TERM cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _on_term)
    try:
        app()
    except InvalidInputError as error:
        err.print("[red]topshelf:[/]", escape(f"{error.field}: {error}"))
        sys.exit(2)
    except TopshelfError as error:
        err.print("[red]topshelf:[/]", escape(str(error)))
        sys.exit(1)
    except BotoCoreError as error:
        # Raised past our adapters: the cloud went away in mid-work.
        err.print("[red]topshelf:[/] the cloud does not answer:", escape(str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
