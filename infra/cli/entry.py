"""From a process's start to a command, and from what it raises to words and an exit status."""

import os
import signal
import sys
from types import FrameType

import typer
from botocore.exceptions import BotoCoreError
from rich.markup import escape

from infra.cli.console import err
from topshelf.errors import InvalidInputError, TopshelfError

__all__ = ["run"]


def run(app: typer.Typer) -> None:
    """Runs a command; what a person can mend is one line, without a traceback.

    Args:
        app: The commands.
    """
    # TERM, by which Jenkins ends what it aborts, cleans up as Ctrl-C does.
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


def _on_term(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
