"""What a built artefact was installed from, held to what Lambda's runtime can load.

Tags: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
Lambda's python3.13 is CPython 3.13 on Amazon Linux 2023, whose glibc is 2.34:
https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
"""

import re
from pathlib import Path
from typing import Final

from topshelf.errors import IntegrityError

__all__ = ["check_wheels"]

_MINOR: Final = 13
_GLIBC: Final = (2, 34)
_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
_LEGACY: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_PLATFORM: Final = re.compile(r"(manylinux(?:1|2010|2014))_(.+)|manylinux_(\d+)_(\d+)_(.+)")


def check_wheels(folder: Path, architecture: str) -> list[str]:
    """Looks at every distribution of an artefact.

    Args:
        folder: The artefact's packages.
        architecture: As Lambda calls it.

    Returns:
        The names and versions that were looked at.

    Raises:
        IntegrityError: One cannot be loaded there; the text names each.
    """
    looked_at, faults = [], []
    for info in sorted(folder.glob("*.dist-info")):
        name = info.name.removesuffix(".dist-info").replace("-", " ")
        lines = (info / "WHEEL").read_text().splitlines()
        tags = [line.removeprefix("Tag: ").strip() for line in lines if line.startswith("Tag: ")]
        looked_at.append(name)
        if not any(_loads(tag, _MACHINES[architecture]) for tag in tags):
            faults.append(f"{name} is made for {', '.join(tags) or 'nothing that it tells'}")
    if faults:
        raise IntegrityError(
            f"{folder}: {'; '.join(faults)}; Lambda has CPython 3.{_MINOR} and glibc "
            f"{_GLIBC[0]}.{_GLIBC[1]} on {architecture}: pin a version with a wheel for that"
        )
    return looked_at


def _loads(tag: str, machine: str) -> bool:
    python, abi, platform = tag.split("-")
    return _runs(python, abi) and _links(platform, machine)


def _runs(python: str, abi: str) -> bool:
    if python.startswith("py"):
        return abi == "none" and python in {"py3", f"py3{_MINOR}"}
    exact = python == f"cp3{_MINOR}" and abi in {f"cp3{_MINOR}", "abi3", "none"}
    # The stable interface of an older Python is that of every newer one.
    older = re.fullmatch(r"cp3(\d+)", python)
    return exact or (abi == "abi3" and older is not None and int(older[1]) <= _MINOR)


def _links(platform: str, machine: str) -> bool:
    if platform == "any":
        return True
    found = _PLATFORM.fullmatch(platform)
    if found is None:
        # As linux_x86_64, compiled on this machine against whatever it has.
        return False
    legacy, its_machine, major, minor, newer_machine = found.groups()
    glibc = _LEGACY[legacy] if legacy else (int(major), int(minor))
    return (its_machine or newer_machine) == machine and glibc <= _GLIBC
