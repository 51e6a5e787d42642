"""CodeDeploy's one operation that a hook calls, over HTTP: no emulator has it.

Its request: https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from infra.local.listening import HOST

__all__ = ["CodeDeploy"]

_TARGET = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"


class CodeDeploy:
    """Takes reports, on a free port; a context manager that stops it.

    Attributes:
        reports: What was reported, in order.
        port: Where it listens.
    """

    def __init__(self) -> None:
        reports: list[dict[str, Any]] = []

        class Reports(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                known = self.headers.get("X-Amz-Target") == _TARGET
                said = json.loads(content)
                if known:
                    reports.append(said)
                execution = said.get("lifecycleEventHookExecutionId")
                answer = json.dumps({"lifecycleEventHookExecutionId": execution}).encode()
                self.send_response(200 if known else 400)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.reports = reports
        self._server = ThreadingHTTPServer((HOST, 0), Reports)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
