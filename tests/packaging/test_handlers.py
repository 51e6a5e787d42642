"""Each handler loads with nothing but its own requirements, the layer and boto3."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

API_FUNCTIONS = ("recommend_api", "ingest_events")
FUNCTIONS = (*API_FUNCTIONS, "release_model", "refresh_topk", "check_deployment")
TOO_LARGE_FOR_THE_API = {"numpy", "scipy", "implicit", "polars", "boto3", "localstack_client"}

LIST_MODULES = """
import json, sys
sys.path[:0] = sys.argv[1:]
import handler
assert callable(handler.lambda_handler)
json.dump(sorted({name.partition(".")[0] for name in sys.modules}), sys.stdout)
"""


def pins_of(names: set[str]) -> str:
    """Their pins, hashes and all, out of the one resolution."""
    text = (ROOT / "requirements" / "all.txt").read_text().replace("\\\n", "")
    return "\n".join(line for line in text.splitlines() if line.partition("==")[0] in names)


@pytest.fixture(scope="module", params=FUNCTIONS)
def function(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the libraries that Lambda would give this function."""
    folder = tmp_path_factory.mktemp(request.param)
    runtime = folder / "runtime.txt"
    runtime.write_text(
        pins_of(
            {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
        )
    )
    for requirements in (
        runtime,
        ROOT / "layers" / "core" / "requirements.txt",
        ROOT / "functions" / request.param / "requirements.txt",
    ):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--python",
                sys.executable,
                "--target",
                str(folder / "libraries"),
                "-r",
                str(requirements),
            ],
            check=True,
        )
    return folder


def test_the_handler_loads_from_its_artefact_alone(function: Path) -> None:
    name = next(known for known in FUNCTIONS if function.name.startswith(known))
    loaded = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            LIST_MODULES,
            str(ROOT / "functions" / name),
            str(ROOT / "layers" / "core"),
            str(function / "libraries"),
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=function,
        # No variable of a deployment: loading a handler reads no environment.
        env={"PATH": os.environ["PATH"]},
    )
    modules = set(json.loads(loaded.stdout))
    assert "topshelf" in modules
    if name in API_FUNCTIONS:
        assert not modules & TOO_LARGE_FOR_THE_API
