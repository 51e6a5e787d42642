"""``sam deploy`` as the pipeline runs it: what was built, one stack, no questions."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samtranslator.yaml_helper import yaml_parse

from infra.pipeline.stage import Stage
from topshelf.errors import InvalidInputError, NotFoundError, UnavailableError

__all__ = ["SamDeploy", "command", "deploy"]

_LAST_LINES: Final = 15
_END_SECONDS: Final = 20.0


def command(sam: Path, build: Path, stage: Stage) -> list[str]:
    """The command line that deploys a stage.

    Args:
        sam: AWS SAM CLI.
        build: Folder of what `make build` has made.
        stage: What to deploy to.

    Raises:
        NotFoundError: There is no build.
        InvalidInputError: The stage has a parameter that the template has not.
    """
    template = build / "template.yaml"
    if not template.is_file():
        raise NotFoundError(f"{template} is missing; run `make build`")
    declared = yaml_parse(template.read_text("utf-8")).get("Parameters", {})
    unknown = sorted(stage.parameters.keys() - declared.keys())
    if unknown:
        raise InvalidInputError(
            unknown[0], f"stages.toml, {stage.name}: the template has no parameter {unknown[0]}"
        )
    # A stack that exists would keep the processor it had, whatever was built now.
    built_for = {"Architecture": str(declared["Architecture"]["Default"])}
    given = [f"{name}={value}" for name, value in {**stage.parameters, **built_for}.items()]
    return [
        str(sam.absolute()),
        "deploy",
        f"--template-file={template}",
        f"--stack-name={stage.stack}",
        f"--region={stage.region}",
        "--resolve-s3",
        f"--s3-prefix={stage.stack}",
        "--capabilities=CAPABILITY_IAM",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        f"--tags=topshelf:stage={stage.name}",
        "--parameter-overrides",
        *given,
    ]


def deploy(words: Sequence[str]) -> None:
    """Deploys, and shows what SAM says.

    Args:
        words: The command line.

    Raises:
        UnavailableError: It failed; CloudFormation has taken back what it changed.
    """
    code = subprocess.run(words, env=_environment(), stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if code.returncode:
        raise UnavailableError(f"sam deploy ended with {code.returncode}; its words are above")


@dataclass(slots=True)
class SamDeploy:
    """A deployment beside which something else is done.

    Args:
        words: The command line.
        log: File for its output.
    """

    words: Sequence[str]
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it.

        Raises:
            NotFoundError: There is nothing to deploy.
        """
        if not self.words:
            raise NotFoundError("nothing is built; run `make build`")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            # In a session of its own: who ends us lets CloudFormation come to its end.
            self._process = subprocess.Popen(  # noqa: S603
                self.words,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        """Its exit status; None while it runs, or before it is started."""
        return self._process.poll() if self._process else None

    def end(self) -> None:
        """Ends it; what CloudFormation has begun by then goes on without it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self, seconds: float) -> None:
        """Waits for its end.

        Raises:
            TimeoutExpired: It does not end in time.
        """
        if self._process is not None:
            self._process.wait(seconds)

    def last_words(self) -> str:
        """What it said last."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join([line for line in lines if line.strip()][-_LAST_LINES:])


def _environment() -> Mapping[str, str]:
    # The caller's own, credentials and all; SAM's telemetry is not ours to switch on.
    return {**os.environ, "SAM_CLI_TELEMETRY": "0"}
