"""Where commands work: options that come before the command, the same for all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.stack import Cloud, Place, Stack
from infra.local.run_record import RunRecords

__all__ = ["ROOT", "Where", "common", "where"]

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

_Port = {"min": 0, "max": 65535}


@dataclass(frozen=True, slots=True)
class Where:
    """What the common options say.

    Attributes:
        cloud: Kind of cloud.
        stack: Name of the CloudFormation stack.
        region: AWS region.
        cloud_port: Of the emulator.
        api_port: Of the local HTTP API.
        lambda_port: Where functions are invoked locally.
        state_dir: Records and logs of local clouds.
    """

    cloud: Cloud
    stack: str
    region: str
    cloud_port: int
    api_port: int
    lambda_port: int
    state_dir: Path

    def records(self) -> RunRecords:
        """What is written down of the local clouds that run."""
        return RunRecords(self.state_dir)

    def connect(self) -> Stack:
        """The stack that the options name; raises as Stack.connect does."""
        place = Place.of(
            self.cloud,
            region=self.region,
            cloud_port=self.cloud_port,
            lambda_port=self.lambda_port,
        )
        return Stack.connect(self.stack, place)


def common(
    ctx: typer.Context,
    *,
    cloud: Annotated[
        Cloud,
        typer.Option(
            envvar="TOPSHELF_CLOUD",
            help="moto: started here; localstack: the one you run; aws: your account",
        ),
    ] = Cloud.MOTO,
    stack: Annotated[
        str, typer.Option(envvar="TOPSHELF_STACK", help="Name of the CloudFormation stack")
    ] = "topshelf",
    region: Annotated[str, typer.Option(envvar="AWS_REGION", help="AWS region")] = "us-east-1",
    cloud_port: Annotated[
        int, typer.Option(envvar="TOPSHELF_CLOUD_PORT", help="Port of the emulator", **_Port)
    ] = 4566,
    api_port: Annotated[
        int, typer.Option(envvar="TOPSHELF_API_PORT", help="Port of the local HTTP API", **_Port)
    ] = 8000,
    lambda_port: Annotated[
        int,
        typer.Option(
            envvar="TOPSHELF_LAMBDA_PORT", help="Port where functions are invoked", **_Port
        ),
    ] = 3001,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="TOPSHELF_STATE_DIR",
            help="Records and logs of local clouds  [default: ~/.local/state/topshelf]",
        ),
    ] = None,
    xdg_state_home: Annotated[Path | None, typer.Option(envvar="XDG_STATE_HOME", hidden=True)] = (
        None
    ),
) -> None:
    """Movie recommendations in your own AWS account, and the same on your laptop."""
    # The XDG Base Directory Specification has relative paths ignored.
    home = xdg_state_home if xdg_state_home and xdg_state_home.is_absolute() else None
    state = state_dir or (home or Path.home() / ".local" / "state") / "topshelf"
    ctx.obj = Where(cloud, stack, region, cloud_port, api_port, lambda_port, state.absolute())


def where(ctx: typer.Context) -> Where:
    """What the common options of this call say."""
    found = ctx.find_object(Where)
    if found is None:
        raise RuntimeError("a command was called without the common options")
    return found
