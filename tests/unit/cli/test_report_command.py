from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.cli.options import Where
from tests.fakes.model_ports import FakeFactorStore, FakeRegistry
from topshelf.errors import InvalidInputError, NotFoundError

VERSION = "20260131T235959Z-0a1b2c3d"
OLD = "20250131T235959Z-0a1b2c3d"


class FakeStack:
    def __init__(self, champion: str | None) -> None:
        self._registry = FakeRegistry(champion)
        self._models = FakeFactorStore()
        self._models.write(VERSION, "report.html", b"<!DOCTYPE html>\n")
        self._models.write(OLD, "manifest.json", b"{}")

    def registry(self) -> FakeRegistry:
        return self._registry

    def models(self) -> FakeFactorStore:
        return self._models


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, champion: str | None = VERSION) -> str:
    monkeypatch.setattr(Where, "connect", lambda _self: FakeStack(champion))
    return CliRunner().invoke(app, ["report", *arguments], catch_exceptions=False).output


def test_the_report_of_the_live_model_is_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(monkeypatch)
    assert (tmp_path / f"{VERSION}.html").read_bytes() == b"<!DOCTYPE html>\n"
    assert f"holds the report of {VERSION}" in " ".join(said.split())


def test_any_version_to_any_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    run(monkeypatch, f" {VERSION}\n", "--out", str(file), champion=None)
    assert file.read_bytes() == b"<!DOCTYPE html>\n"


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model is live yet; name one"):
        run(monkeypatch, champion=None)
    with pytest.raises(NotFoundError, match="older than reports are"):
        run(monkeypatch, OLD)
    with pytest.raises(InvalidInputError, match="no model version"):
        run(monkeypatch, "../x")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        run(monkeypatch, VERSION, "--out", str(tmp_path / "none" / "r.html"))
    assert list(tmp_path.iterdir()) == []


def test_help_shows_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "topshelf report --out report.html" in run(monkeypatch, "--help")
