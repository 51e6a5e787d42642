"""What a local cloud is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

__all__ = ["LocalCloudOptions"]

_REPOSITORY: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class LocalCloudOptions:
    """What a local cloud is made of.

    Attributes:
        template: The SAM template.
        stack_name: Name of the stack.
        region: AWS region.
        cloud_port: Of the emulated AWS. For each port, 0 means any free one.
        api_port: Of the HTTP API.
        lambda_port: Of Lambda's Invoke API.
        auth: Whether requests must be signed where the template says so.
        parameters: Template parameters that differ from the defaults. ``Architecture``, where the
            template has it, is this machine's unless given.
        state_dir: For logs.
        emulator: Which emulator.
        endpoint_url: Of a LocalStack; on the cloud port of this machine when None.
        concurrency: Most workers of one function at once.
        persist: Folder that keeps the emulator's state between runs; None for none.
    """

    template: Path = _REPOSITORY / "template.yaml"
    stack_name: str = "topshelf"
    region: str = "us-east-1"
    cloud_port: int = 4566
    api_port: int = 8000
    lambda_port: int = 3001
    auth: bool = True
    parameters: Mapping[str, str] = field(default_factory=dict)
    state_dir: Path = _REPOSITORY / ".topshelf"
    emulator: Literal["moto", "localstack"] = "moto"
    endpoint_url: str | None = None
    concurrency: int = 2
    persist: Path | None = None
