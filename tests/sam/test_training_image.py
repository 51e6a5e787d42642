"""The training image, run as a platform would run it, beside the training outside of it."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from socket import socket
from typing import Any

import pytest

from infra.containers.images import ROOT
from infra.containers.training import Built
from infra.containers.way_in import way_in
from infra.local.listening import listen
from tests.conftest import REGION
from tests.sam.conftest import LOCAL_PORTS, Figures
from tests.sam.released import Released
from topshelf.manifest import Manifest
from training.als import ALSParameters

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CLOUD = f"http://localhost:{LOCAL_PORTS['cloud']}"

PROBE = """
import errno, json, os, socket, sys

def connect(host, port):
    try:
        socket.create_connection((host, port), 3).close()
        return "reached"
    except socket.gaierror:
        return "no such name"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def write(path):
    try:
        with open(path, "w") as file:
            file.write("x")
        return "written"
    except OSError as error:
        return errno.errorcode[error.errno]

places = json.loads(sys.argv[1])
json.dump({
    "ids": [os.getuid(), os.geteuid(), os.getgid()],
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "connections": {name: connect(*place) for name, place in places.items()},
    "files": {path: write(path) for path in
              ("/x", "/opt/app/x", "/opt/packages/x", "/etc/passwd", "/home/x", "/tmp/x")},
    "privileges": [l.split()[1] for l in open("/proc/self/status") if l.startswith("CapEff")],
}, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Image:
    """The image with nothing to reach but the local cloud."""

    name: str
    network: str
    variables: dict[str, str]

    def run(self, *command: str, network: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs it, read-only; with a command, that instead of the training."""
        told = [part for k, v in self.variables.items() for part in ("--env", f"{k}={v}")]
        entry = ["--entrypoint", command[0]] if command else []
        return subprocess.run(
            [
                *("docker", "run", "--rm", "--read-only", "--cap-drop", "ALL"),
                *("--security-opt", "no-new-privileges"),
                *("--network", network or f"container:{self.network}"),
                *(*told, *entry, self.name, *command[1:]),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def probe(self, places: dict[str, tuple[str, int]], network: str | None = None) -> Any:
        """What a program in it can do."""
        done = self.run("python3.13", "-c", PROBE, json.dumps(places), network=network)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def image(
    training_image: Built, python: str, ports: dict[int, int], platform: Released
) -> Iterator[Image]:
    """The image, and the variables of a training on the local cloud."""
    outputs = platform.platform.stack.outputs
    variables = {
        "AWS_ACCESS_KEY_ID": "accesskey",
        "AWS_SECRET_ACCESS_KEY": "secretkey",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": CLOUD,
        "TOPSHELF_BUCKET": outputs["BucketName"],
        "TOPSHELF_REGISTRY_TABLE": outputs["RegistryTableName"],
        # The libraries of linear algebra choose their code by processor; both sides the same.
        **{k: v for k, v in os.environ.items() if k.startswith(("OPENBLAS_", "OMP_"))},
    }
    cloud = {LOCAL_PORTS["cloud"]: ports[LOCAL_PORTS["cloud"]]}
    with way_in(python, cloud) as network:
        yield Image(training_image.name, network, variables)


@pytest.fixture
def neighbour() -> Iterator[socket]:
    """Another server on this machine's loopback."""
    with listen(0, "a neighbour", "nothing") as listening:
        yield listening


def test_it_is_labelled_with_commit_and_version(training_image: Built) -> None:
    command = ["docker", "image", "inspect", "--format", "{{json .Config}}", training_image.name]
    config = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    revision = config["Labels"]["org.opencontainers.image.revision"]
    # A tree that differs from its commit says so.
    assert revision in {head, f"{head}-dirty"}
    assert f"TOPSHELF_GIT_COMMIT={revision}" in config["Env"]
    version = config["Labels"]["org.opencontainers.image.version"]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert training_image.name.endswith(f":{version}")
    assert config["User"] == "10001:10001"


def test_it_runs_as_nobody_and_writes_nowhere_but_in_tmp(image: Image) -> None:
    found = image.probe({})
    assert found["ids"] == [10001, 10001, 10001]
    assert found["privileges"] == ["0000000000000000"]
    assert found["files"] == {
        "/x": "EROFS",
        "/opt/app/x": "EROFS",
        "/opt/packages/x": "EROFS",
        "/etc/passwd": "EROFS",
        "/home/x": "EROFS",
        "/tmp/x": "written",
    }


def test_it_reaches_the_local_cloud_and_nothing_else(image: Image, neighbour: socket) -> None:
    port = neighbour.getsockname()[1]
    places = {
        "cloud": ("localhost", LOCAL_PORTS["cloud"]),
        "neighbour": ("127.0.0.1", port),
        "outside": ("192.0.2.1", 443),
        "name": ("example.com", 443),
    }
    found = image.probe(places)
    assert found["interfaces"] == ["lo"]
    assert found["connections"] == {
        "cloud": "reached",
        "neighbour": "ECONNREFUSED",
        "outside": "ENETUNREACH",
        "name": "no such name",
    }
    # The neighbour is there: with this machine's own network it would be reached.
    reached = image.probe({"neighbour": ("127.0.0.1", port)}, network="host")
    assert reached["connections"] == {"neighbour": "reached"}


def test_it_makes_the_same_bytes_as_a_training_outside(
    image: Image, platform: Released, figures: Figures
) -> None:
    usual = ALSParameters()
    outside = platform.train(seed=usual.seed, iterations=usual.iterations)
    done = image.run()
    assert done.returncode == 0, done.stdout + done.stderr
    version = done.stdout.splitlines()[-1].removeprefix("version: ")
    models = platform.platform.stack.models()
    inside, other = (
        Manifest.model_validate_json(models.read(name, "manifest.json"))
        for name in (version, outside)
    )
    assert (inside.parameters, inside.data.objects) == (other.parameters, other.data.objects)
    assert len(inside.files) > 8
    assert {name: f.sha256 for name, f in inside.files.items()} == {
        name: f.sha256 for name, f in other.files.items()
    }
    assert inside.version[-8:] == other.version[-8:]
    figures.add("training in its image", f"{len(inside.files)} files, the same bytes as outside")


def test_it_says_what_is_missing(image: Image) -> None:
    bare = Image(image.name, image.network, {"AWS_ENDPOINT_URL": CLOUD})
    done = bare.run()
    assert done.returncode == 1
    assert "TOPSHELF_BUCKET" in done.stderr
