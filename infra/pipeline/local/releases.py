"""Releases on this machine: copies of template and code, so that the one before can come back."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from topshelf.errors import NotFoundError

__all__ = ["RELEASE", "Releases"]

RELEASE: Final = "TOPSHELF_RELEASE"
"""A variable of every function that names the release: as the key of the code in S3 would, it makes
two releases with one template differ."""

_CODE: Final = ("functions", "layers")
_CODE_PROPERTIES: Final = ("CodeUri", "ContentUri")
_KEPT: Final = 3
_IGNORED: Final = shutil.ignore_patterns("__pycache__", ".*")


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of one stage.

    Args:
        folder: Of the stage.
    """

    folder: Path

    @property
    def template(self) -> Path:
        """The template of the release that is deployed."""
        return self.folder / "template.json"

    def current(self) -> str:
        """The release that is deployed; empty before the first."""
        return str(self._noted().get("current", ""))

    def add(self, source: Path) -> str:
        """Copies the template and the code of a checkout; the same content is the same release.

        Args:
            source: The checkout.

        Returns:
            The release's name.

        Raises:
            NotFoundError: It has no template.
        """
        if not (source / "template.yaml").is_file():
            raise NotFoundError(f"{source} has no template.yaml to deploy")
        release = _digest(source)
        home = self.folder / "releases" / release
        if not home.is_dir():
            new = home.with_name(f"{release}.new")
            shutil.rmtree(new, ignore_errors=True)
            for part in _CODE:
                shutil.copytree(source / part, new / part, ignore=_IGNORED)
            template = yaml_parse((source / "template.yaml").read_text("utf-8"))
            _settle_in(template, home, release)
            (new / "template.json").write_text(json.dumps(template, default=str), "utf-8")
            new.rename(home)
        return release

    def choose(self, release: str) -> None:
        """Makes a release the one that is deployed next.

        Args:
            release: Its name.

        Raises:
            NotFoundError: It is no longer kept.
        """
        home = self.folder / "releases" / release
        if not home.is_dir():
            raise NotFoundError(f"the release {release} is no longer in {home.parent}")
        new = self.template.with_suffix(".new")
        shutil.copyfile(home / "template.json", new)
        new.replace(self.template)
        recent = [one for one in self._noted().get("recent", []) if one != release]
        noted = {"current": release, "recent": [release, *recent][:_KEPT]}
        self._notes.write_text(json.dumps(noted, indent=2) + "\n", "utf-8")

    def prune(self) -> None:
        """Removes all but the last few that were deployed."""
        recent = self._noted().get("recent", [])
        for home in (self.folder / "releases").glob("*"):
            if home.name not in recent:
                shutil.rmtree(home)

    @property
    def _notes(self) -> Path:
        return self.folder / "releases.json"

    def _noted(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._notes.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found


def _settle_in(template: dict[str, Any], home: Path, release: str) -> None:
    """Points the template at the release's own code."""
    owners = [one.setdefault("Properties", {}) for one in template["Resources"].values()]
    owners += list(template.get("Globals", {}).values())
    for properties in owners:
        for name in _CODE_PROPERTIES:
            if isinstance(properties.get(name), str):
                properties[name] = str(home / properties[name])
    function = template.setdefault("Globals", {}).setdefault("Function", {})
    function.setdefault("Environment", {}).setdefault("Variables", {})[RELEASE] = release


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(source):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(source)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _files(source: Path) -> Iterator[Path]:
    yield source / "template.yaml"
    for part in _CODE:
        for path in sorted((source / part).rglob("*")):
            words = path.relative_to(source).parts
            if path.is_file() and not any(w == "__pycache__" or w[0] == "." for w in words):
                yield path
