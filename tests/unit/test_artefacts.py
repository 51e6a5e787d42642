"""Built artefacts: nothing twice, bytecode that is never checked, the same bytes each time."""

import os
import zipfile
from pathlib import Path

import pytest

from infra.packaging.artefacts import (
    compile_sources,
    drop_unused,
    drop_what_is_in,
    normalise,
    packed,
    size_of,
)
from topshelf.errors import IntegrityError


def distribution(folder: Path, name: str, version: str, *files: str) -> None:
    """Installs a distribution of small modules, as pip leaves it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    record = [f"{info.name}/RECORD,,", "../../bin/script,,"]
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"NAME = '{file}'\n")
        record.append(f"{file},sha256=x,1")
    (info / "RECORD").write_text("\n".join(record) + "\n")


def files_of(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_what_the_layer_has_goes_from_the_function(tmp_path: Path) -> None:
    layer, function = tmp_path / "layer", tmp_path / "function"
    distribution(layer, "pydantic", "2.1", "pydantic/a.py")
    distribution(function, "pydantic", "2.1", "pydantic/a.py", "pydantic/deep/b.py")
    distribution(function, "fastapi", "1.0", "fastapi/c.py", "shared/d.py")
    (function / "handler.py").write_text("")
    assert drop_what_is_in(layer, function) == ["pydantic 2.1"]
    assert files_of(function) == {
        "handler.py",
        "fastapi/c.py",
        "shared/d.py",
        "fastapi-1.0.dist-info/RECORD",
    }
    assert not (function / "pydantic").exists()


def test_a_folder_that_others_share_stays(tmp_path: Path) -> None:
    layer, function = tmp_path / "layer", tmp_path / "function"
    distribution(layer, "one", "1", "space/one.py")
    distribution(function, "one", "1", "space/one.py")
    distribution(function, "two", "1", "space/two.py")
    drop_what_is_in(layer, function)
    assert files_of(function) == {"space/two.py", "two-1.dist-info/RECORD"}


def test_two_versions_of_one_library_are_refused(tmp_path: Path) -> None:
    distribution(tmp_path / "layer", "pydantic", "2.1", "pydantic/a.py")
    distribution(tmp_path / "function", "pydantic", "2.2", "pydantic/a.py")
    with pytest.raises(IntegrityError, match=r"pydantic 2\.2, the layer pydantic-2\.1"):
        drop_what_is_in(tmp_path / "layer", tmp_path / "function")


def test_bytecode_is_taken_without_a_look_at_the_source(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    source = tmp_path / "deep" / "module.py"
    source.write_text("def f():\n    return 1\n")
    compile_sources(tmp_path, "/opt/python")
    (compiled,) = tmp_path.rglob("*.pyc")
    # PEP 552: flags 0b01 say hash-based, and not to be checked.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01
    assert b"/opt/python/deep/module.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_a_source_that_does_not_compile_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:\n")
    with pytest.raises(IntegrityError, match="compiles"):
        compile_sources(tmp_path, "/var/task")


def test_the_same_files_are_the_same_zip_whenever_and_wherever(tmp_path: Path) -> None:
    digests = []
    for number, umask in ((1, 0o022), (2, 0o077)):
        before = os.umask(umask)
        try:
            folder = tmp_path / str(number)
            distribution(folder, "one", "1", "b.py", "a/c.py")
            (folder / "run").write_text("#!/bin/sh\n")
            (folder / "run").chmod(0o700)
        finally:
            os.umask(before)
        os.utime(folder / "b.py", (number * 10**9, number * 10**9))
        compile_sources(folder, "/var/task")
        normalise(folder)
        digests.append(packed(folder, tmp_path / f"{number}.zip"))
    assert digests[0] == digests[1]
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        rights = {i.filename: i.external_attr >> 16 for i in archive.infolist()}
        assert (rights["run"], rights["b.py"]) == (0o755, 0o644)
        assert sum(i.file_size for i in archive.infolist()) == size_of(tmp_path / "1")


def test_what_libraries_load_for_nothing_is_left_out(tmp_path: Path) -> None:
    for name in ("pydantic/v1/main.py", "pydantic/main.py", "fastapi/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    drop_unused(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py")}
    assert left == {"pydantic/main.py", "fastapi/main.py"}
    drop_unused(tmp_path)
