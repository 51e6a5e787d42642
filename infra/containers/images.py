"""Images: of a registry, or made here from Debian's packages where none can be reached."""

import platform
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.containers.debian import BUILDER, install, mirror
from infra.containers.running import lines_of, run
from infra.containers.way_in import LABEL
from topshelf.errors import UnavailableError

__all__ = ["ROOT", "Source", "build", "lambda_architecture", "python_image", "runtime_image"]

ROOT: Final = Path(__file__).resolve().parents[2]

_SUITE: Final = "trixie"
_RECIPE: Final = "topshelf.recipe"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MADE_SECONDS: Final = 300.0
_PULL_SECONDS: Final = 600.0
_BUILD_SECONDS: Final = 300.0


class Source(StrEnum):
    """Where images come from.

    Attributes:
        STAND_IN: Made here from the packages of this machine's Debian mirror.
        REAL: The ones that are deployed, from their registries.
    """

    STAND_IN = "stand-in"
    REAL = "real"


@dataclass(frozen=True, slots=True)
class _Names:
    python: str
    runtime: str


def lambda_architecture() -> str:
    """This machine's, as Lambda calls it."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def _names(source: Source) -> _Names:
    architecture = lambda_architecture()
    if source is Source.REAL:
        runtime = f"public.ecr.aws/lambda/python:3.13-{architecture}"
        return _Names("python:3.13-slim", runtime)
    return _Names("topshelf/python:3.13", f"topshelf/lambda-python:3.13-{architecture}")


def python_image(source: Source, mirror_url: str | None = None) -> str:
    """The image with Python that others are made from.

    Args:
        source: Where it comes from.
        mirror_url: Debian mirror for one that is made here; this machine's own when None.

    Returns:
        Its name.

    Raises:
        UnavailableError: It cannot be had.
    """
    name = _names(source).python
    if source is Source.REAL:
        _pull(name)
    elif _recipe_of(name) != (recipe := _recipe()):
        _make_base(name, recipe, mirror_url)
    return name


def runtime_image(source: Source, python: str) -> str:
    """Lambda's Python runtime with the way to the local cloud in it.

    Args:
        source: Where it comes from.
        python: The image that a stand-in is made from.

    Returns:
        The name for ``sam local --invoke-image``.

    Raises:
        UnavailableError: It cannot be had.
    """
    runtime = _names(source).runtime
    if source is Source.REAL:
        _pull(runtime)
    else:
        build("infra/images/lambda/Dockerfile", runtime, {"PYTHON_IMAGE": python}, offline=True)
    name = "topshelf/lambda-local:3.13"
    build("infra/images/local/Dockerfile", name, {"RUNTIME_IMAGE": runtime}, offline=True)
    return name


def build(dockerfile: str, name: str, arguments: dict[str, str], *, offline: bool) -> str:
    """Builds an image from the repository.

    Args:
        dockerfile: From the repository's root, which is the context.
        name: Its name.
        arguments: Build arguments.
        offline: Whether its steps have no network, which they then cannot have used.

    Returns:
        Its id.

    Raises:
        UnavailableError: It cannot be built; the text has the last lines.
    """
    told = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    network = ["--network", "none"] if offline else []
    command = ["docker", "build", "--force-rm", *network, "--label", f"{LABEL}=image", *told]
    run([*command, "-t", name, "-f", str(ROOT / dockerfile), str(ROOT)], seconds=_BUILD_SECONDS)
    return run(["docker", "image", "inspect", "--format", "{{.Id}}", name]).strip()


def _pull(name: str) -> None:
    try:
        run(["docker", "pull", "--quiet", name], seconds=_PULL_SECONDS)
    except UnavailableError as error:
        raise UnavailableError(
            f"{error}\nWithout a registry, leave IMAGES away: stand-ins are made from Debian"
        ) from error


def _packages() -> list[str]:
    return lines_of((ROOT / "infra/images/packages.txt").read_text())


def _recipe() -> str:
    return sha256(" ".join((_SUITE, _PATH, *_packages())).encode()).hexdigest()[:16]


def _recipe_of(name: str) -> str | None:
    label = f'{{{{index .Config.Labels "{_RECIPE}"}}}}'
    try:
        return run(["docker", "image", "inspect", "--format", label, name]).strip()
    except UnavailableError:
        return None


def _make_base(name: str, recipe: str, mirror_url: str | None) -> None:
    install(BUILDER)
    with TemporaryDirectory(prefix="topshelf-base-") as folder:
        packed = f"{folder}/base.tar"
        include = f"--include={','.join(_packages())}"
        made = ["mmdebstrap", "--quiet", "--variant=minbase", include, _SUITE, packed]
        run([*made, mirror_url or mirror()], seconds=_MADE_SECONDS)
        changes = (f"ENV PATH={_PATH}", f"LABEL {_RECIPE}={recipe} {LABEL}=image")
        told = [part for change in changes for part in ("--change", change)]
        run(["docker", "import", *told, packed, name], seconds=_MADE_SECONDS)
