"""An HTTP API that answers as a test says, over real sockets."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Reply", "good", "stand_in"]

type Reply = Callable[[str, str, dict[str, str], int], tuple[int, dict[str, Any]]]
"""Status and body, from method, path, headers in lower case, and how many came before."""


def good(
    method: str, path: str, headers: dict[str, str], _before: int
) -> tuple[int, dict[str, Any]]:
    """A stage that does all it should."""
    if "authorization" not in headers:
        return 403, {"message": "Forbidden"}
    items = [{"item_id": f"m{i}"} for i in range(5)]
    if path.startswith("/v1/health"):
        return 200, {"status": "ok"}
    if path.startswith("/v1/provenance"):
        return 200, {"model_version": "v1"}
    if method == "POST":
        return 202, {"accepted": 1}
    tier = "popular" if path.startswith("/v1/popular") else "own"
    return 200, {"item_list": items, "tier": tier, "recommendation_id": "r1"}


@contextmanager
def stand_in(reply: Reply) -> Iterator[tuple[str, Counter[str]]]:
    """Its address, and how many requests came by method and path."""
    lock, seen = threading.Lock(), Counter[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            with lock:
                before = seen.total()
                seen[f"{self.command} {self.path}"] += 1
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = reply(self.command, self.path, headers, before)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - what the base class calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
