"""A proxy before the emulated AWS that plays its outages."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

FaultOf = Callable[[str, bytes], str]
"""From a call (service, body) to its fault, empty for none: see FaultProxy."""

SLOW_SECONDS = 2.0

_REFUSALS = {
    "throttled": (400, "ProvisionedThroughputExceededException"),
    "missing": (400, "ResourceNotFoundException"),
    "broken": (500, "InternalServerError"),
}


class FaultProxy:
    """Passes calls on, or plays the fault of the moment; a context manager.

    Faults: ``down``, ``slow``, ``throttled``, ``missing``, ``broken``.
    """

    def __init__(self, endpoint_url: str) -> None:
        self.fault: FaultOf = lambda service, body: ""
        self.calls = 0
        proxy, target = self, urlsplit(endpoint_url)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service = self.headers.get("X-Amz-Target", "s3").split(".")[0].split("_")[0]
                proxy.calls += 1
                kind = proxy.fault(service.lower(), body)
                if kind == "down":
                    self.close_connection = True
                    return
                if kind == "slow":
                    time.sleep(SLOW_SECONDS)
                if kind in _REFUSALS:
                    status, code = _REFUSALS[kind]
                    self._answer(status, json.dumps({"__type": code, "message": "no"}).encode())
                    return
                onward = http.client.HTTPConnection(target.hostname or "", target.port, timeout=10)
                headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                self._answer(answer.status, answer.read())
                onward.close()

            do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815 - names of the base class

            def _answer(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/x-amz-json-1.0")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    # The caller did not wait: that is what a slow store is tested for.
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
