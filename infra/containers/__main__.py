"""Containers from the command line; the Makefile's short names lead here.

Usage: ``python -m infra.containers COMMAND``.
"""

import signal
import sys
from typing import Annotated

import typer

from infra.cli.console import err, out
from infra.containers.cleaning import clean as clean_all
from infra.containers.debian import BUILDER, ENGINE
from infra.containers.debian import install as install_packages
from infra.containers.engine import engine as running_engine
from infra.containers.images import ROOT, Source
from infra.containers.training import build_training, image_name
from infra.containers.training import push as push_image
from topshelf.errors import TopshelfError

__all__ = ["main"]

_MIB = 2**20
_LOG = ROOT / ".build" / "dockerd.log"

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Images = Annotated[
    Source, typer.Option(help="stand-in: made from Debian's packages; real: of the registries")
]
Mirror = Annotated[str, typer.Option(help="Debian mirror; empty for the one that apt uses here")]


@app.command()
def install(*, images: Images = Source.STAND_IN) -> None:
    """Installs the engine, and what makes stand-ins, if they are missing; needs root for it."""
    wanted = {**ENGINE, **(BUILDER if images is Source.STAND_IN else {})}
    if done := install_packages(wanted):
        err.print(f"installed {', '.join(done)}")


@app.command()
def image(*, images: Images = Source.STAND_IN, mirror: Mirror = "") -> None:
    """Builds the training image."""
    with running_engine(_LOG):
        built = build_training(images, mirror or None)
    out.print(f"{built.name}  {built.size / _MIB:.0f} MiB  {built.image_id}")


@app.command()
def push(
    target: Annotated[str, typer.Argument(help="Name in the registry, with its tag")],
) -> None:
    """Pushes the training image to a registry that you have logged in to (`docker login`)."""
    with running_engine(_LOG):
        push_image(image_name(), target)
    out.print(target)


@app.command()
def engine() -> None:
    """Runs an engine until Ctrl-C, so that several commands share it."""
    with running_engine(_LOG) as version:
        err.print(f"Docker {version}; Ctrl-C ends what was started here")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


@app.command()
def clean() -> None:
    """Removes containers, networks and images that were made here."""
    with running_engine(_LOG):
        for line in clean_all():
            err.print(line)


def main() -> None:
    """Runs a command; 1, with one line, where it fails."""
    # An end by TERM is one by Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except TopshelfError as error:
        err.print(f"topshelf: {error}", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
