"""``sam local`` on the built template, with functions in containers that reach the local cloud."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from samtranslator.yaml_helper import yaml_parse

from infra.containers.cleaning import remove_containers
from infra.local.listening import HOST, free_port
from tests.conftest import REGION, ROOT

__all__ = ["BUILD", "SAM", "Invoked", "SamLocal", "comparable", "local_template", "sam"]

BUILD: Final = ROOT / ".aws-sam" / "build"
SAM: Final = ROOT / ".sam" / "bin" / "python"

_QUICK: Final = Path(__file__).parent / "quick_sam.py"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_COLD_SECONDS: Final = 30


def _environment(cloud: str | None = None) -> dict[str, str]:
    """Of sam: nothing of the user's AWS set-up, which it would hand to functions.

    Args:
        cloud: Whom sam asks for the account, with keys that open nothing; nobody when None.
    """
    # Compiled once, sam starts in a third of the time.
    dropped = ("AWS_", "TOPSHELF_", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    keys = {"AWS_ACCESS_KEY_ID": "accesskey", "AWS_SECRET_ACCESS_KEY": "secretkey"}
    return {
        **kept,
        **(keys | {"AWS_ENDPOINT_URL": cloud} if cloud else {}),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "SAM_CLI_TELEMETRY": "0",
    }


def sam(
    *arguments: str, cloud: str | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs sam to its end.

    Args:
        arguments: Its own.
        cloud: The local cloud's address, for what asks AWS.
        seconds: Longest time that it may take.
    """
    return subprocess.run(
        [str(SAM), str(_QUICK), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=_environment(cloud),
        cwd=ROOT,
        check=False,
    )


def comparable(body: str | bytes) -> Any:
    """A body without what is another in each answer."""
    try:
        said = json.loads(body)
    except ValueError:
        return body if isinstance(body, str) else body.decode()
    return {name: value for name, value in said.items() if name != "recommendation_id"}


def local_template() -> Path:
    """The built template for sam local, beside it.

    sam resolves no reference to an alias, so that its routes would lead nowhere: instead of each
    stands the ARN that CloudFormation would put there. And sam counts a cold start against a
    function's timeout, which Lambda does not: no timeout is shorter than a slow start.
    """
    built = yaml_parse((BUILD / "template.yaml").read_text())
    for resource in built["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["Timeout"] = max(properties.get("Timeout", 3), _COLD_SECONDS)
        uri = properties.get("IntegrationUri")
        if isinstance(uri, dict) and uri.get("Ref", "").endswith(".Alias"):
            name = uri["Ref"].removesuffix(".Alias")
            arn = f"arn:aws:lambda:{REGION}:123456789012:function:{name}:live"
            properties["IntegrationUri"] = arn
    target = BUILD / "sam-local.json"
    target.write_text(json.dumps(built, indent=1, default=str))
    return target


@dataclass(frozen=True, slots=True)
class Invoked:
    """What came of an invocation.

    Attributes:
        said: The function's answer.
        log: What sam and the function wrote besides.
    """

    said: Any
    log: str


@dataclass(frozen=True, slots=True)
class SamLocal:
    """sam local, ready to run.

    Attributes:
        image: Lambda's runtime with the way to the local cloud.
        network: Where the local cloud is reached.
        folder: For what it needs written.
        cloud: The local cloud's address.
    """

    image: str
    network: str
    folder: Path
    cloud: str

    def invoke(
        self, function: str, event: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Invoked:
        """Calls a function once, in a container of its own.

        Args:
            function: Its logical id.
            event: The event.
            variables: The variables of each function.
        """
        path = self.folder / "event.json"
        path.write_text(json.dumps(event))
        told = ("--event", str(path), *self._with(variables))
        done = sam("local", "invoke", function, *told, cloud=self.cloud)
        # sam ends with 0 even where the function raised: what it printed has to be looked at.
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        assert done.returncode == 0, done.stderr
        assert lines, done.stderr
        return Invoked(json.loads(lines[-1]), done.stderr)

    @contextmanager
    def served(self, what: str, variables: Mapping[str, Any]) -> Iterator[str]:
        """A running ``start-api`` or ``start-lambda``; its address.

        Args:
            what: Which of the two.
            variables: The variables of each function.
        """
        port, log = free_port(), self.folder / f"{what}.log"
        command = [str(SAM), str(_QUICK), "local", what, "--host", HOST, "--port", str(port)]
        # Authorizers are the local cloud's to test: of them, sam knows Lambda functions only.
        more = ["--disable-authorizer"] if what == "start-api" else []
        warm = ["--warm-containers", "LAZY"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *warm, *more, *self._with(variables)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(self.cloud),
                cwd=ROOT,
                start_new_session=True,
            )
        try:
            _await(f"http://{HOST}:{port}", process, log)
            yield f"http://{HOST}:{port}"
        finally:
            # It minds no INT in the background.
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            finally:
                process.kill()
                process.wait()
                remove_containers(self.network)

    def _with(self, variables: Mapping[str, Any]) -> list[str]:
        path = self.folder / "variables.json"
        path.write_text(json.dumps(variables))
        return [
            *("--template", str(local_template()), "--env-vars", str(path)),
            *("--invoke-image", self.image, "--skip-pull-image"),
            *("--docker-network", self.network, "--region", REGION),
        ]


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            requests.get(address, timeout=_START_SECONDS)
        except requests.ConnectionError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return
