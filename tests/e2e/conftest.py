"""A local cloud of the tests' own, on free ports."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.cli.data_commands import import_into, write_simulation
from infra.cli.model_commands import train_on
from infra.cli.showing import ApiClient
from infra.cli.stack import Place, Stack
from infra.importers import ImportSummary
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.simulator import SimulatorOptions
from tests.conftest import REGION, ROOT
from topshelf.manifest import Manifest
from training.als import ALSParameters


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A running local cloud, and what tests do with it."""

    cloud: LocalCloud
    stack: Stack

    def api(self, *, signed: bool = True) -> ApiClient:
        return ApiClient(self.cloud.api_url, signed=signed, region=REGION)

    def load(self, source: Path) -> ImportSummary:
        return import_into(self.stack, source, quiet)

    def train(self, seed: int = 0, iterations: int = 5) -> Manifest:
        return train_on(self.stack, ALSParameters(iterations=iterations, seed=seed), quiet)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """template.yaml, deployed and running; signatures are asked for as in AWS."""
    options = LocalCloudOptions(
        template=ROOT / "template.yaml",
        stack_name="topshelf",
        region=REGION,
        cloud_port=0,
        api_port=0,
        lambda_port=0,
        auth=True,
        parameters={
            "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
            # What is served is tested here, whatever else the machine does; how soon, elsewhere.
            "ReadTimeoutMs": "4000",
        },
        state_dir=tmp_path_factory.mktemp("state"),
    )
    with LocalCloud(options) as cloud:
        cloud.start(quiet)
        stack = Stack.connect("topshelf", Place(REGION, cloud.endpoint_url, cloud.lambda_url))
        yield Platform(cloud, stack)


@pytest.fixture(scope="session")
def few_viewers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events and catalogue of a few built-in viewers."""
    folder = tmp_path_factory.mktemp("viewers")
    options = SimulatorOptions(viewers=400, movies=300, interactions=12_000)
    write_simulation(options, folder, quiet)
    return folder
