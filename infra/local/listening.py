"""Ports of the local cloud: all on loopback, all checked before anything starts."""

import errno
import socket
import time
from collections.abc import Iterable
from typing import Final

from topshelf.errors import UnavailableError

__all__ = ["HOST", "await_free", "free_port", "listen"]

HOST = "127.0.0.1"
_POLL_SECONDS: Final = 0.05


def listen(port: int, purpose: str, option: str) -> socket.socket:
    """A listening socket on loopback.

    Args:
        port: 0 for any free one.
        purpose: What listens there, for the error.
        option: How a person changes the port, for the error.

    Raises:
        UnavailableError: The port cannot be had.
    """
    # asyncio sends without delay only where the protocol is named: 40 ms an answer otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            detail = f"port {port}, for {purpose}, is used by another program"
        else:
            detail = f"port {port}, for {purpose}, cannot be opened ({error.strerror})"
        raise UnavailableError(f"{detail}: stop it, or choose another with {option}") from error
    return listener


def free_port() -> int:
    """A port that nobody used a moment ago: whoever takes it still checks."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def await_free(ports: Iterable[int], seconds: float) -> bool:
    """Waits until nobody listens on any of the ports.

    Args:
        ports: They.
        seconds: Longest wait.

    Returns:
        Whether they are free.
    """
    deadline = time.monotonic() + seconds
    for port in ports:
        while not _is_free(port):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
    return True


def _is_free(port: int) -> bool:
    try:
        listen(port, "nothing", "nothing").close()
    except UnavailableError:
        return False
    return True
