"""What Debian brings: the programs that are missing, and the mirror that this machine uses."""

import os
import shutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from infra.containers.running import lines_of, run
from topshelf.errors import UnavailableError

__all__ = ["BUILDER", "ENGINE", "install", "mirror", "mirror_of", "search_path"]

ENGINE: Final[Mapping[str, str]] = MappingProxyType({"docker": "docker.io", "dockerd": "docker.io"})
"""Packages that hold the engine, by program."""

BUILDER: Final[Mapping[str, str]] = MappingProxyType({"mmdebstrap": "mmdebstrap"})
"""Packages that make a base image, by program."""

_APT_SECONDS: Final = 300.0
# Where engines are, which a user's PATH often lacks.
_ADMIN_PATH: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def search_path() -> str:
    """PATH, with the folders of programs for administrators."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMIN_PATH))


def install(programs: Mapping[str, str]) -> list[str]:
    """Installs the packages of those programs that are missing.

    Args:
        programs: Packages by program.

    Returns:
        The packages that were installed.

    Raises:
        UnavailableError: They cannot be installed; the text says how a person can.
    """
    missing = sorted({p for name, p in programs.items() if not _found(name)})
    if not missing:
        return []
    wanted = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        raise UnavailableError(f"needs {', '.join(missing)}: as root, run `{wanted}`")
    if not _found("apt-get"):
        raise UnavailableError(
            f"needs {', '.join(missing)}, and there is no apt-get to install them with: "
            "install them as your distribution does"
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], seconds=_APT_SECONDS, env=env)
    run([*wanted.split(), "-q"], seconds=_APT_SECONDS, env=env)
    if still := sorted(name for name in programs if not _found(name)):
        raise UnavailableError(f"{', '.join(missing)}: installed, yet without {', '.join(still)}")
    return missing


def mirror() -> str:
    """The Debian mirror that this machine installs from, as apt itself reads its sources.

    Raises:
        UnavailableError: There is none.
    """
    fields = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    listed = run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    return mirror_of(lines_of(listed))


def mirror_of(targets: Iterable[str]) -> str:
    """The first mirror of Debian itself.

    Args:
        targets: Lines of origin, label and address, with bars between.

    Raises:
        UnavailableError: None is of Debian itself: security updates and other people's packages
            are no place for a whole system.
    """
    for target in targets:
        origin, label, address = target.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise UnavailableError(
        "apt has no Debian mirror to make a base image from: name one (MIRROR=...), "
        "or take the images of a registry (IMAGES=real)"
    )


def _found(program: str) -> bool:
    return shutil.which(program, path=search_path()) is not None
