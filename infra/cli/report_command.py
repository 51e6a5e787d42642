"""``topshelf report``: what a training found out about its model."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.console import out
from topshelf.errors import InvalidInputError, NotFoundError
from topshelf.manifest import check_version

__all__ = ["report"]

_NAME = "report.html"


def report(
    ctx: typer.Context,
    version: Annotated[
        str, typer.Argument(help="As `topshelf train` printed it; the live one unless given")
    ] = "",
    *,
    file: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write it; VERSION.html here unless given"),
    ] = None,
) -> None:
    """Save the report of a model: one page that any browser opens, without a connection.

    It tells what the model is worth beside popularity, simpler models and the last version, for
    which viewers and titles, and how much of it is chance.

    Example: `topshelf report --out report.html`
    """
    stack = options.where(ctx).connect()
    version = version.strip()
    if not version:
        champion = stack.registry().champion()
        if champion is None:
            raise NotFoundError("no model is live yet; name one that `topshelf train` printed")
        version = champion.version
    check_version(version)
    try:
        page = stack.models().read(version, _NAME)
    except NotFoundError as error:
        raise NotFoundError(
            f"{version} has no report: there is no such model, or it is older than reports are; "
            "train again"
        ) from error
    path = file or Path(f"{version}.html")
    try:
        path.write_bytes(page)
    except OSError as error:
        raise InvalidInputError("out", f"{path} cannot be written: {error.strerror}") from error
    out.print(f"{path} holds the report of {version}")
