"""What lints the Jenkinsfile is pinned by hash, and no address is committed."""

import json
from pathlib import Path

import pytest

from infra.pipeline.lint.__main__ import main
from tests.conftest import ROOT

HERE = ROOT / "infra" / "pipeline" / "lint"


def test_the_committed_pins_have_hashes_and_no_addresses() -> None:
    text = (HERE / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    pinned = json.loads((HERE / "package.json").read_text())["devDependencies"]["npm-groovy-lint"]
    assert packages["node_modules/npm-groovy-lint"]["version"] == pinned
    assert all("integrity" in of for name, of in packages.items() if name)


def test_addresses_are_taken_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "package-lock.json"
    package = {"version": "1", "resolved": "https://x/y.tgz", "funding": {"url": "https://z"}}
    lock.write_text(json.dumps({"packages": {"": {}, "a": {**package, "integrity": "sha512-a"}}}))
    assert main(lock) == 0
    assert json.loads(lock.read_text())["packages"]["a"] == {
        "version": "1",
        "integrity": "sha512-a",
    }
    lock.write_text(json.dumps({"packages": {"a": package}}))
    assert main(lock) == 1
    assert "a has no hash" in capsys.readouterr().err
