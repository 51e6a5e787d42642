"""Records of local clouds."""

import os
from typing import Any

from infra.local.process_id import ProcessId
from infra.local.run_record import RunRecord


def run_record(**changes: Any) -> RunRecord:
    """A record of this process."""
    process = ProcessId.of(os.getpid())
    assert process is not None
    values: dict[str, Any] = {
        "process": process,
        "command": "up",
        "since": 1_790_000_000.0,
        "ready": False,
        "emulator": "moto",
        "endpoint_url": "http://localhost:4566",
        "stack": "topshelf",
        "region": "us-east-1",
        "cloud_port": 4566,
        "api_port": 8000,
        "lambda_port": 3001,
        "auth": True,
        "repository": "/repository",
        "logs": "/state/logs",
    }
    return RunRecord(**values | changes)
