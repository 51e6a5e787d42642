"""The lists of a model in the local store: imported as a release does, then read at random."""

import gzip
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
    before = 0
    files: list[tuple[Path, int]] = []
    for path in sorted((model / "topk").iterdir()):
        if before >= at_least:
            break
        files.append((path, len(_lines(path))))
        before += files[-1][1]
    with TemporaryDirectory(prefix="topshelf-store-") as folder:
        server = MotoServer(free_port(), Path(folder) / "emulator.log")
        server.start()
        try:
            where: dict[str, Any] = {"region": _REGION, "endpoint_url": server.endpoint_url}
            s3, dynamodb = create_client("s3", **where), create_client("dynamodb", **where)
            s3.create_bucket(Bucket=_BUCKET)
            for path, _ in files:
                key = f"models/{model.name}/topk/{path.name}"
                s3.put_object(Bucket=_BUCKET, Key=key, Body=path.read_bytes())
            began = time.perf_counter()
            imports = TopKTableImport(dynamodb, prefix=_PREFIX, bucket=_BUCKET)
            _import(imports, model.name, before)
            imported = time.perf_counter() - began
            table = TopKTable(dynamodb, prefix=_PREFIX)
            took = 0.0
            for line in _drawn(files, reads, rng):
                key = json.loads(line)["Item"]["user_id"]["S"]
                began = time.perf_counter()
                found = table.get(model.name, key)
                took += time.perf_counter() - began
                if found is None or import_line(key, found) != line:
                    raise RuntimeError(f"{key} is not stored as its list says: {found}")
        finally:
            server.stop()
    return (
        f"{before:,} lists imported in {imported:.1f} s; "
        f"{reads:,} random reads in {took:.1f} s, each equal to its list"
    )


def _drawn(files: list[tuple[Path, int]], reads: int, rng: np.random.Generator) -> list[bytes]:
    """Lines at random, in random order; one file's are held at a time."""
    ends = np.cumsum([count for _, count in files])
    places = rng.integers(int(ends[-1]), size=reads)
    of_file = np.searchsorted(ends, places, side="right")
    drawn: dict[int, bytes] = {}
    for number, (path, count) in enumerate(files):
        lines = _lines(path)
        for draw in np.flatnonzero(of_file == number).tolist():
            drawn[draw] = lines[int(places[draw] - ends[number] + count)]
    return [drawn[draw] for draw in range(reads)]


def _import(imports: TopKTableImport, version: str, expected: int) -> None:
    handle = imports.start(version)
    while (report := imports.report(handle)).status == "running":
        time.sleep(0.2)
    if (report.status, report.imported, report.errors) != ("completed", expected, 0):
        raise RuntimeError(f"the import of {expected:,} lists ended so: {report}")


def _lines(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        return list(file)
