"""The ``topshelf`` command: the face for people."""

import typer

from infra.cli import (
    cloud_commands,
    cost_command,
    data_commands,
    destroy_command,
    down,
    model_commands,
    options,
    report_command,
    status,
    tune_command,
)
from infra.cli.entry import run

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
app.command(name="tune")(tune_command.tuning)
app.command(name="train")(model_commands.train)
app.command(name="report")(report_command.report)
app.command(name="release")(model_commands.release)
app.command(name="rollback")(model_commands.rollback)
app.command(name="bake")(model_commands.bake)
app.command(name="cost")(cost_command.cost)
app.command(name="destroy")(destroy_command.destroy)


def main() -> None:
    """Runs the command."""
    run(app)
