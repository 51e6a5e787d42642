"""A built artefact: what it holds twice, bytecode, one time for every file, its size.

``sam build`` leaves sources alone: Lambda would compile them with each cold start, as its file
system is read-only. And a function's folder repeats what the layer has.
"""

import compileall
import csv
import os
import py_compile
import shutil
import stat
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from topshelf.errors import IntegrityError

__all__ = [
    "compile_sources",
    "drop_unused",
    "drop_what_is_in",
    "normalise",
    "packed",
    "size_of",
]

_EPOCH: Final = 315_532_800
"""1980-01-01, the first moment that a zip can name; the same for every file of every build."""


_UNUSED: Final = ("pydantic/v1",)
"""Pydantic's interface of version 1: FastAPI imports it, where it is there, to ask whether a model
is one of those, and that is a twelfth of a cold start."""


def drop_unused(packages: Path) -> None:
    """Removes what no function uses and libraries load for nothing.

    Args:
        packages: Folder of a layer's or function's packages.
    """
    for path in _UNUSED:
        shutil.rmtree(packages / path, ignore_errors=True)


def drop_what_is_in(layer: Path, function: Path) -> list[str]:
    """Removes the distributions of a function that the layer has in the same version.

    Args:
        layer: Folder of the layer's packages.
        function: Folder of the function.

    Returns:
        Their names and versions.

    Raises:
        IntegrityError: The layer has another version of one: which is loaded would be luck.
    """
    has = {_distribution(path)[0]: path.name for path in layer.glob("*.dist-info")}
    dropped = []
    for found in sorted(function.glob("*.dist-info")):
        name, version = _distribution(found)
        if name not in has:
            continue
        if has[name] != found.name:
            raise IntegrityError(f"{function.name} brings {name} {version}, the layer {has[name]}")
        _remove_distribution(found)
        dropped.append(f"{name} {version}")
    return dropped


def compile_sources(folder: Path, mounted_at: str) -> None:
    """Puts bytecode beside every source, never checked against it again (PEP 552).

    Args:
        folder: The artefact's packages.
        mounted_at: Where Lambda has the folder; what tracebacks name.

    Raises:
        IntegrityError: A source does not compile.
    """
    for old in list(folder.rglob("__pycache__")):
        shutil.rmtree(old)
    done = compileall.compile_dir(
        folder,
        maxlevels=50,
        quiet=1,
        stripdir=str(folder),
        prependdir=mounted_at,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise IntegrityError(f"{folder}: not every source compiles; see above")


def normalise(folder: Path) -> None:
    """Gives every file one time, and rights that depend on nobody's umask."""
    for path in (folder, *folder.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (_EPOCH, _EPOCH))


def size_of(folder: Path) -> int:
    """Bytes of all files, as Lambda counts them against its limits."""
    return sum(path.stat().st_size for path in _files(folder))


def packed(folder: Path, target: Path) -> str:
    """Zips a folder: the same files give the same bytes.

    Args:
        folder: What to zip.
        target: The zip.

    Returns:
        Its SHA-256, in hexadecimal.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return sha256(target.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _distribution(info: Path) -> tuple[str, str]:
    name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
    return name, version


def _remove_distribution(info: Path) -> None:
    root = info.parent
    with (info / "RECORD").open(newline="") as record:
        files = [root / row[0] for row in csv.reader(record) if row]
    for path in files:
        # A script's path leads out of the folder; there is none to remove in an artefact.
        if path.resolve().is_relative_to(root.resolve()):
            path.unlink(missing_ok=True)
    shutil.rmtree(info)
    parents = {parent for path in files for parent in path.parents if root in parent.parents}
    for folder in sorted(parents, reverse=True):
        if folder.is_dir() and _is_empty(folder):
            shutil.rmtree(folder)


def _is_empty(folder: Path) -> bool:
    return all(path.is_dir() or path.suffix == ".pyc" for path in folder.rglob("*"))
