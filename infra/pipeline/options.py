"""Options that the pipeline's commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from infra.cli.options import ROOT
from infra.pipeline.stage import Target

__all__ = [
    "P99",
    "STATE",
    "Concurrency",
    "ErrorShare",
    "Requests",
    "Seconds",
    "Source",
    "StageName",
    "State",
    "To",
    "Token",
]

STATE: Final = ROOT / ".build" / "pipeline"

StageName = Annotated[str, typer.Option("--stage", help="As infra/pipeline/stages.toml names it")]
To = Annotated[Target, typer.Option("--target", help="aws, or a local cloud in its place")]
State = Annotated[
    Path,
    typer.Option(
        "--state", envvar="TOPSHELF_PIPELINE_STATE", help="Folder of what the pipeline notes"
    ),
]
Source = Annotated[
    Path, typer.Option("--source", help="With --target local: the checkout that is deployed")
]
Token = Annotated[
    str,
    typer.Option("--token", envvar="TOPSHELF_TOKEN", help="Where the API asks for a JWT: one"),
]
Requests = Annotated[int, typer.Option("--requests", help="Sent and measured, 20,000 at most")]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, max=64, help="At once")]
Seconds = Annotated[float, typer.Option("--seconds", help="When it ends at the latest")]
P99 = Annotated[
    float,
    typer.Option("--p99-ms", envvar="P99_MS", min=1, help="99 of 100 are answered in less"),
]
ErrorShare = Annotated[
    float,
    typer.Option(
        "--error-share", envvar="ERROR_SHARE", min=0, max=1, help="Less than this share fails"
    ),
]
