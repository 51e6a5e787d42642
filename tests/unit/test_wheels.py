"""Which wheels Lambda's runtime can load, by their tags."""

from pathlib import Path

import pytest

from infra.packaging.wheels import check_wheels
from topshelf.errors import IntegrityError


def distribution(folder: Path, name: str, *tags: str) -> None:
    """What pip leaves of an installed wheel."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["Wheel-Version: 1.0", *(f"Tag: {tag}" for tag in tags)]
    (info / "WHEEL").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "tags",
    [
        ["py3-none-any"],
        ["py2-none-any", "py3-none-any"],
        ["cp313-cp313-manylinux_2_34_x86_64"],
        ["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux2014_x86_64"],
        ["cp313-cp313-manylinux1_x86_64"],
        ["cp39-abi3-manylinux_2_28_x86_64"],
        ["cp313-abi3-manylinux2014_x86_64"],
        ["py3-none-manylinux_2_28_x86_64"],
        # One tag of several that fits is enough.
        ["cp313-cp313-manylinux_2_39_x86_64", "cp313-cp313-manylinux_2_28_x86_64"],
    ],
)
def test_what_fits_is_taken(tmp_path: Path, tags: list[str]) -> None:
    distribution(tmp_path, "fits", *tags)
    assert check_wheels(tmp_path, "x86_64") == ["fits 1.0"]


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_35_x86_64",
        "cp313-cp313-manylinux_3_0_x86_64",
        "cp314-cp314-manylinux_2_28_x86_64",
        "cp314-abi3-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp313-cp313t-manylinux_2_28_x86_64",
        "cp313-cp313-manylinux_2_28_aarch64",
        "cp313-cp313-musllinux_1_2_x86_64",
        "cp313-cp313-linux_x86_64",
        "py2-none-any",
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, tag: str) -> None:
    distribution(tmp_path, "fits", "py3-none-any")
    distribution(tmp_path, "too_new", tag)
    with pytest.raises(IntegrityError, match=rf"too_new 1\.0 is made for {tag};.*glibc 2\.34"):
        check_wheels(tmp_path, "x86_64")


def test_the_other_processor_takes_its_own(tmp_path: Path) -> None:
    distribution(tmp_path, "arm", "cp313-cp313-manylinux_2_17_aarch64")
    assert check_wheels(tmp_path, "arm64") == ["arm 1.0"]


def test_a_wheel_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    distribution(tmp_path, "silent")
    with pytest.raises(IntegrityError, match=r"silent 1\.0 is made for nothing that it tells"):
        check_wheels(tmp_path, "arm64")
