"""Built artefacts, and a platform that they work on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.cli import releasing
from tests.conftest import REGION, ROOT
from tests.e2e.conftest import Platform, few_viewers, quiet, running
from tests.runtime.lambda_process import EMULATOR, RUNTIME, Code, LambdaProcess
from topshelf.aws.clients import create_client
from topshelf.manifest import Manifest

__all__ = ["few_viewers", "running"]

BUILD = ROOT / ".aws-sam" / "build"
LAYER = BUILD / "CoreLayer" / "python"
SERVICES = ("DYNAMODB", "S3", "SECRETS_MANAGER", "FIREHOSE")


@dataclass(frozen=True, slots=True)
class Artefacts:
    """The functions as they are built, and where their variables come from."""

    platform: Platform
    manifest: Manifest
    logs: Path

    def start(
        self,
        logical_id: str,
        *,
        code: Code | None = None,
        handler: str = "handler.lambda_handler",
        services: Mapping[str, str] | None = None,
    ) -> LambdaProcess:
        """An execution environment of a function.

        Args:
            logical_id: Its name in the template.
            code: Other code than its artefact and the layer.
            handler: As the template names it.
            services: Addresses of services that the emulator does not play, by botocore's name.
        """
        # Not AWS_ENDPOINT_URL: that would take the way of local work, which Lambda has not.
        address = self.platform.cloud.endpoint_url.replace("localhost", "127.0.0.1")
        variables = self._variables(logical_id)
        variables |= {f"AWS_ENDPOINT_URL_{service}": address for service in SERVICES}
        if services:
            variables["AWS_CONFIG_FILE"] = str(self._config(services))
        code = code or Code(BUILD / logical_id, LAYER)
        return LambdaProcess(code, variables, self.logs / f"{logical_id}.log", handler)

    def memory_mb(self, logical_id: str) -> int:
        """What the template gives a function."""
        return int(self._configuration(logical_id)["MemorySize"])

    def _config(self, services: Mapping[str, str]) -> Path:
        path = self.logs / "config"
        lines = [f"{name} =\n  endpoint_url = {url}" for name, url in services.items()]
        path.write_text("[default]\nservices = here\n[services here]\n" + "\n".join(lines))
        return path

    def _variables(self, logical_id: str) -> dict[str, str]:
        said = self._configuration(logical_id)["Environment"]["Variables"]
        return {name: value for name, value in said.items() if name.startswith("TOPSHELF_")}

    def _configuration(self, logical_id: str) -> Mapping[str, Any]:
        lambdas = create_client("lambda", REGION, self.platform.cloud.endpoint_url)
        name = f"topshelf-{_dashed(logical_id)}"
        said: Mapping[str, Any] = lambdas.get_function_configuration(FunctionName=name)
        return said


def _dashed(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    for path in (EMULATOR, RUNTIME / "awslambdaric", BUILD / "template.yaml"):
        if not path.exists():
            pytest.skip(f"no {path.relative_to(ROOT)}; `make test-runtime` builds it")


@pytest.fixture(scope="module")
def artefacts(
    _built: None, running: Platform, few_viewers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artefacts:
    """A platform with a released model, and the artefacts."""
    running.load(few_viewers)
    manifest = running.train()
    releasing.release(running.stack, manifest.version, quiet)
    return Artefacts(running, manifest, tmp_path_factory.mktemp("logs"))
