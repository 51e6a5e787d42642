"""Finishes what `sam build` has built, and holds it to its bounds.

Usage: ``python -m infra.packaging [BUILD]``; BUILD is ``.aws-sam/build`` unless given.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from samtranslator.yaml_helper import yaml_parse

from infra.cli.console import err, out
from infra.packaging.artefacts import (
    compile_sources,
    drop_unused,
    drop_what_is_in,
    normalise,
    packed,
    size_of,
)
from infra.packaging.wheels import check_wheels
from topshelf.errors import IntegrityError, TopshelfError

__all__ = ["main"]

_MIB: Final = 2**20
_API_BOUND: Final = 30 * _MIB
"""A function that answers HTTP, its layer included, unzipped."""

_LAMBDA_BOUND: Final = 250 * _MIB
"""Lambda's own, for any function with its layers."""


@dataclass(frozen=True, slots=True)
class _Artefact:
    name: str
    size: int
    zipped: int
    digest: str


def main(build: Path) -> int:
    """Finishes every artefact; prints their sizes.

    Args:
        build: Where `sam build` wrote.

    Returns:
        0, or 1 where one is larger than it may be.

    Raises:
        IntegrityError: There is no build, or it does not hold together.
    """
    template = build / "template.yaml"
    if not template.exists():
        raise IntegrityError(f"{build} holds no build; run `make build`")
    resources = yaml_parse(template.read_text())["Resources"]
    by_type = {
        kind: [name for name, of in resources.items() if of["Type"] == f"AWS::Serverless::{kind}"]
        for kind in ("LayerVersion", "Function")
    }
    (layer,) = by_type["LayerVersion"]
    packages = build / layer / "python"
    for folder in (packages, *(build / name for name in by_type["Function"])):
        check_wheels(folder, _architecture(template))
    drop_unused(packages)
    compile_sources(packages, "/opt/python")
    found = [_finished(build, layer)]
    for name in by_type["Function"]:
        drop_what_is_in(packages, build / name)
        compile_sources(build / name, "/var/task")
        found.append(_finished(build, name))
    return _report(found, _behind_the_api(resources))


def _architecture(template: Path) -> str:
    # A build is of one: what was asked for is the parameter's default in it.
    return str(yaml_parse(template.read_text())["Parameters"]["Architecture"]["Default"])


def _behind_the_api(resources: Mapping[str, Any]) -> set[str]:
    """Functions that an integration of the HTTP API leads to."""
    uris = [
        json.dumps(resource["Properties"]["IntegrationUri"])
        for resource in resources.values()
        if resource["Type"] == "AWS::ApiGatewayV2::Integration"
    ]
    named = {part for uri in uris for part in re.findall(r"\w+", uri)}
    return {name for name in resources if name in named}


def _finished(build: Path, name: str) -> _Artefact:
    folder = build / name
    normalise(folder)
    target = build.parent / "zips" / f"{name}.zip"
    digest = packed(folder, target)
    return _Artefact(name, size_of(folder), target.stat().st_size, digest)


def _report(found: list[_Artefact], api: set[str]) -> int:
    layer = found[0].size
    table = Table(title="Artefacts", title_justify="left")
    for column in ("artefact", "MiB", "with the layer", "at most", "zipped", "sha256"):
        table.add_column(column, justify="left" if column in ("artefact", "sha256") else "right")
    too_large = []
    for artefact in found:
        bound = _API_BOUND if artefact.name in api else _LAMBDA_BOUND
        whole = artefact.size + (layer if artefact is not found[0] else 0)
        if whole > bound:
            too_large.append(artefact.name)
        table.add_row(
            artefact.name,
            *(f"{size / _MIB:.1f}" for size in (artefact.size, whole, bound, artefact.zipped)),
            artefact.digest[:12],
        )
    out.print(table)
    if too_large:
        err.print(f"too large: {', '.join(too_large)}")
    return 1 if too_large else 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".aws-sam/build")))
    except TopshelfError as error:
        err.print(f"topshelf: {error}")
        sys.exit(1)
