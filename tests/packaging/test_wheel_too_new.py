"""A pinned wheel that Lambda's runtime cannot load: the build refuses it, and says which it is."""

import base64
import os
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from infra.packaging.wheels import check_wheels
from tests.conftest import ROOT
from topshelf.errors import IntegrityError

# Several builds, which `make test-sam` has time for.
pytestmark = pytest.mark.slow

SAM = ROOT / ".sam" / "bin" / "sam"

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Planted:
    Type: AWS::Serverless::Function
    Properties:
      {Runtime: python3.13, Handler: handler.handle, CodeUri: code/, Architectures: [x86_64]}
"""


def wheel(folder: Path, tag: str) -> Path:
    """A wheel of one module, made for ``tag``."""
    info = "planted-1.0.dist-info"
    files = {
        "planted.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    record = [f"{name},{_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    folder.mkdir()
    path = folder / f"planted-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _digest(text: str) -> str:
    hashed = sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(hashed).rstrip(b'=').decode()}"


def build(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    """``sam build`` of a function that needs the wheel and finds it nowhere but here."""
    made = wheel(folder / "wheels", tag)
    code = folder / "code"
    code.mkdir()
    (code / "handler.py").write_text("import planted\n")
    pin = f"planted==1.0 --hash=sha256:{sha256(made.read_bytes()).hexdigest()}\n"
    (code / "requirements.txt").write_text(pin)
    (folder / "template.yaml").write_text(TEMPLATE)
    return subprocess.run(
        [
            str(SAM),
            "build",
            "--template",
            f"{folder}/template.yaml",
            "--build-dir",
            f"{folder}/built",
        ],
        # Where `make build` runs: which python3.13 is found may depend on the folder.
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PIP_"))},
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "wheels"),
        },
    )


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if not SAM.exists():
        pytest.skip("no SAM CLI; `make build` sets it up")


def test_a_wheel_that_fits_is_built(tmp_path: Path) -> None:
    done = build(tmp_path, "cp313-cp313-manylinux_2_34_x86_64")
    assert done.returncode == 0, done.stderr
    assert check_wheels(tmp_path / "built" / "Planted", "x86_64") == ["planted 1.0"]


@pytest.mark.parametrize(
    "tag", ["cp313-cp313-manylinux_2_39_x86_64", "cp314-cp314-manylinux_2_28_x86_64"]
)
def test_a_wheel_that_is_too_new_is_refused_by_name(tmp_path: Path, tag: str) -> None:
    done = build(tmp_path, tag)
    built = tmp_path / "built" / "Planted"
    if done.returncode == 0:
        # What sam lets through, the check of the finished build does not.
        with pytest.raises(IntegrityError, match=r"planted 1\.0"):
            check_wheels(built, "x86_64")
    else:
        assert "planted" in done.stdout + done.stderr
