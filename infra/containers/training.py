"""The training image: what it holds, how it is built, how it is pushed."""

import subprocess
import tomllib
from dataclasses import dataclass
from typing import Final

from infra.containers.images import ROOT, Source, build, python_image
from infra.containers.running import run

__all__ = ["Built", "build_training", "image_name", "push"]

_PUSH_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was built.

    Attributes:
        name: Its name and tag.
        image_id: Its id: a digest of all that it holds.
        size: Bytes of its layers, unpacked.
    """

    name: str
    image_id: str
    size: int


def build_training(source: Source, mirror_url: str | None = None) -> Built:
    """Builds the training image; its libraries are in ``.build/training`` (``make image``).

    Args:
        source: Where the image below it comes from.
        mirror_url: Debian mirror for a stand-in; this machine's own when None.

    Raises:
        UnavailableError: It cannot be built.
    """
    arguments = {
        "PYTHON_IMAGE": python_image(source, mirror_url),
        "GIT_COMMIT": _commit(),
        "VERSION": _version(),
    }
    name = image_name()
    # A stand-in has all it needs; a registry's slim image gets libgomp from its distribution.
    offline = source is Source.STAND_IN
    image_id = build("training/Dockerfile", name, arguments, offline=offline)
    size = run(["docker", "image", "inspect", "--format", "{{.Size}}", name])
    return Built(name, image_id, int(size))


def image_name() -> str:
    """What the image of this tree's version is called here."""
    return f"topshelf-training:{_version()}"


def push(name: str, target: str) -> None:
    """Pushes an image to a registry that the user has logged in to.

    Args:
        name: The image here.
        target: Its name there, with registry and tag.

    Raises:
        UnavailableError: The registry refuses it.
    """
    run(["docker", "tag", name, target])
    run(["docker", "push", target], seconds=_PUSH_SECONDS)


def _version() -> str:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(said["project"]["version"])


def _commit() -> str:
    """The commit, marked where the tree differs from it; unknown outside a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    asked = subprocess.run([*command, "--exclude=*"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"
