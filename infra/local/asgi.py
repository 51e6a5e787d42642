"""The bits of ASGI that the local cloud's two servers share, and the thread that runs them."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Final

import uvicorn

from topshelf.errors import UnavailableError

__all__ = ["BodyTooLargeError", "Front", "Receive", "Scope", "Send", "read_body", "respond"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_START_SECONDS: Final = 10.0


class BodyTooLargeError(Exception):
    """The body is larger than allowed."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body of a request.

    Raises:
        BodyTooLargeError: It is longer than the limit.
    """
    declared = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLargeError
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLargeError
        more = message.get("more_body", False)
    return b"".join(parts)


async def respond(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Sends a whole answer."""
    fields = [
        (n.encode("latin-1"), v.encode("latin-1", "replace"))
        for n, v in headers
        if n != "content-length"
    ]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


class Front:
    """Runs ASGI applications on listening sockets, all in one thread with one event loop.

    Args:
        apps: Each with the socket it answers on.
    """

    def __init__(self, apps: Sequence[tuple[App, socket.socket]]) -> None:
        self._servers = [
            (
                uvicorn.Server(
                    uvicorn.Config(
                        app,
                        lifespan="off",
                        access_log=False,
                        log_config=None,
                        server_header=False,
                        proxy_headers=False,
                        ws="none",
                        timeout_graceful_shutdown=3,
                    )
                ),
                listener,
            )
            for app, listener in apps
        ]
        self._thread = threading.Thread(target=self._run, daemon=True, name="http")
        self._fault: str | None = None

    def start(self) -> None:
        """Starts the thread and waits until everything answers.

        Raises:
            UnavailableError: It does not.
        """
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.01)):
            if all(server.started for server, _ in self._servers):
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.01)
        raise UnavailableError(f"the local gateway does not start: {self._fault or 'no answer'}")

    def death(self) -> str | None:
        """One line if the thread has ended; None while it lives."""
        if self._thread.is_alive():
            return None
        return f"the local gateway ended ({self._fault or 'no reason known'}); start again"

    def stop(self) -> None:
        """Takes no more requests; does not wait for those that are open."""
        for server, _ in self._servers:
            server.should_exit = True

    def join(self) -> None:
        """Waits until the thread has ended; requests that stay open are cut off."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, RuntimeError, SystemExit) as error:
            self._fault = str(error)

    async def _serve(self) -> None:
        await asyncio.gather(
            *(server.serve(sockets=[listener]) for server, listener in self._servers)
        )
