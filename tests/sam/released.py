"""The local cloud with a model that is released: what functions in containers work on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from infra.cli import releasing
from infra.cli.data_commands import write_simulation
from infra.cli.stack import Place, Stack
from infra.local.cloud import LocalCloud, LocalCloudOptions
from infra.simulator import SimulatorOptions
from tests.builders.local_cloud import call
from tests.conftest import REGION, ROOT
from tests.e2e.conftest import Platform, quiet
from topshelf.aws.clients import create_client
from topshelf.aws.topk_table import TopKTable
from topshelf.manifest import Manifest

__all__ = ["Released", "functions", "released", "routes"]

_NAME = "topshelf"


def _of_type(kind: str) -> dict[str, dict[str, Any]]:
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == kind}


def functions() -> list[str]:
    """Logical ids of the template's functions."""
    return sorted(_of_type("AWS::Serverless::Function"))


def routes() -> list[str]:
    """Route keys of the template's HTTP API."""
    return sorted(route["RouteKey"] for route in _of_type("AWS::ApiGatewayV2::Route").values())


@dataclass(frozen=True, slots=True)
class Released:
    """A running local cloud that serves a model."""

    platform: Platform
    manifest: Manifest

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of one request of the local cloud's own HTTP API."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if content else {}
        status, _, said = call(self.platform.cloud, method, path, body=content, headers=headers)
        return status, said

    def recommendation_id(self) -> str:
        """Of a fresh answer."""
        return str(self.platform.api().recommendations("v000001")["recommendation_id"])

    def lists(self) -> TopKTable:
        """The viewers' lists."""
        return self.platform.stack.lists()

    def train(self, seed: int, iterations: int = 5) -> str:
        """Trains another model; its version."""
        return self.platform.train(seed=seed, iterations=iterations).version

    def live_version(self) -> str | None:
        """The version that is served."""
        champion = self.platform.stack.registry().champion()
        return champion.version if champion else None

    def variables(self) -> dict[str, dict[str, str]]:
        """The variables of each function, as the template was deployed."""
        client = create_client("lambda", REGION, self.platform.cloud.endpoint_url)
        return {
            name: client.get_function_configuration(FunctionName=physical_name(name))
            .get("Environment", {})
            .get("Variables", {})
            for name in functions()
        }


def physical_name(logical_id: str) -> str:
    """A function's name in the stack."""
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in logical_id)
    return _NAME + dashed


@contextmanager
def released(folder: Path) -> Iterator[Released]:
    """template.yaml in a local cloud of its own, with a few viewers' model live.

    Args:
        folder: For what it writes.
    """
    source, state = folder / "viewers", folder / "state"
    write_simulation(SimulatorOptions(viewers=400, movies=300, interactions=12_000), source, quiet)
    options = LocalCloudOptions(
        template=ROOT / "template.yaml",
        stack_name=_NAME,
        region=REGION,
        cloud_port=0,
        api_port=0,
        lambda_port=0,
        # What is served is tested here, whatever else the machine does.
        parameters={"ReadTimeoutMs": "4000"},
        state_dir=state,
    )
    with LocalCloud(options) as cloud:
        cloud.start(quiet)
        stack = Stack.connect(_NAME, Place(REGION, cloud.endpoint_url, cloud.lambda_url))
        platform = Platform(cloud, stack)
        platform.load(source)
        manifest = platform.train()
        releasing.release(stack, manifest.version, quiet)
        yield Released(platform, manifest)
