"""`topshelf destroy`: the end of a deployment, after asking."""

from typing import Annotated

import typer

from infra.cli import options
from infra.cli.console import out, stages
from infra.cli.destroying import destroy as destroying
from infra.cli.destroying import remains_of
from infra.cli.stack import Cloud
from topshelf.errors import ConflictError, InvalidInputError

__all__ = ["destroy"]


def destroy(
    ctx: typer.Context,
    *,
    keep_data: Annotated[
        bool, typer.Option(help="Leave events, models, activity and registry where they are")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Delete a deployed stack and what it would leave behind: lists of versions, objects, tables.

    Example: `topshelf --cloud aws --stack topshelf-test destroy`
    """
    where = options.where(ctx)
    if where.cloud is Cloud.MOTO:
        raise InvalidInputError("cloud", "`topshelf down` ends a local cloud; nothing is left")
    stack = where.connect()
    remains = remains_of(stack)
    out.print(
        f"{stack.name} in {stack.place.region}: {len(remains.versions)} tables of model versions"
    )
    verb = "stay" if keep_data else "go"
    out.print(
        f"bucket {remains.bucket} ({remains.objects:,} objects and old versions, "
        f"{remains.size:,} bytes), {' and '.join(remains.tables) or 'no table'}: {verb}"
    )
    if not yes:
        said = typer.prompt("This cannot be undone. Type the stack's name to delete it")
        if said != stack.name:
            raise ConflictError("nothing was deleted: that is not the stack's name")
    with stages() as progress:
        destroying(stack, remains, keep_data=keep_data, progress=progress)
    out.print(f"{stack.name} is gone" + ("; its data stay" if keep_data else ", and its data"))
