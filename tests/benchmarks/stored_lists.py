"""The lists of a model in the local store: imported as a release does, then read at random."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from infra.local.emulator import MotoServer
from infra.local.listening import free_port
from topshelf.aws.clients import create_client
from topshelf.aws.topk_table import TopKTable, TopKTableImport, import_line

__all__ = ["import_and_read"]

_BUCKET, _REGION, _PREFIX = "models", "us-east-1", "topk"


def import_and_read(model: Path, *, at_least: int, reads: int, rng: np.random.Generator) -> str:
    """Imports whole files of lists into an emulator of its own, and compares random reads.

    Args:
        model: Folder ``models/<version>`` of an artefact.
        at_least: Lists to import: files are taken in order until there are so many.
        reads: Random reads, each compared byte by byte with the list's line in the file.
        rng: Chooses them.

    Returns:
        What was found, for a person.

    Raises:
        RuntimeError: The import failed, or a list was not what the file says.
    """
    lines: dict[str, bytes] = {}
    with TemporaryDirectory(prefix="topshelf-store-") as folder:
        server = MotoServer(free_port(), Path(folder) / "emulator.log")
        server.start()
        try:
            where = {"region": _REGION, "endpoint_url": server.endpoint_url}
            s3, dynamodb = create_client("s3", **where), create_client("dynamodb", **where)
            s3.create_bucket(Bucket=_BUCKET)
            for path in sorted((model / "topk").iterdir()):
                if len(lines) >= at_least:
                    break
                key = f"models/{model.name}/topk/{path.name}"
                s3.put_object(Bucket=_BUCKET, Key=key, Body=path.read_bytes())
                lines |= dict(_lines(path))
            began = time.perf_counter()
            _import(
                TopKTableImport(dynamodb, prefix=_PREFIX, bucket=_BUCKET), model.name, len(lines)
            )
            imported = time.perf_counter() - began
            table = TopKTable(dynamodb, prefix=_PREFIX)
            keys = sorted(lines)
            began = time.perf_counter()
            for place in rng.integers(len(keys), size=reads).tolist():
                found = table.get(model.name, keys[place])
                if found is None or import_line(keys[place], found) != lines[keys[place]]:
                    raise RuntimeError(f"{keys[place]} is not stored as its list says: {found}")
            took = time.perf_counter() - began
        finally:
            server.stop()
    return (
        f"{len(lines):,} lists imported in {imported:.1f} s; "
        f"{reads:,} random reads in {took:.1f} s, each equal to its list"
    )


def _import(imports: TopKTableImport, version: str, expected: int) -> None:
    handle = imports.start(version)
    while (report := imports.report(handle)).status == "running":
        time.sleep(0.2)
    if (report.status, report.imported, report.errors) != ("completed", expected, 0):
        raise RuntimeError(f"the import of {expected:,} lists ended so: {report}")


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(path) as file:
        for line in file:
            yield json.loads(line)["Item"]["user_id"]["S"], line
