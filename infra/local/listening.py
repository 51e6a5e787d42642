"""Ports of the local cloud: all on loopback, all checked before anything starts."""

import errno
import secrets
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from topshelf.errors import UnavailableError

__all__ = ["HOST", "await_free", "free_port", "listen"]

HOST = "127.0.0.1"
_POLL_SECONDS: Final = 0.05
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST: Final = 10_240
_LAST: Final = 65_535
_ATTEMPTS: Final = 200
_given: Final[set[int]] = set()


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
    """A port that nobody uses, for someone who opens it later.

    It is outside the range from which the kernel takes the near end of each new connection, so that
    no connection of another program can take it in between; and no other call in this process
    is given it. Where none of those is to be had, it is any that is free at this moment.
    """
    first, last = _ephemeral()
    outside = [*range(_FIRST, min(first, _LAST)), *range(max(last + 1, _FIRST), _LAST + 1)]
    port: int
    for _ in range(_ATTEMPTS if outside else 0):
        port = secrets.choice(outside)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    with listen(0, "nothing", "nothing") as any_port:
        return int(any_port.getsockname()[1])


def _ephemeral() -> tuple[int, int]:
    """First and last of the ports that the kernel gives to connections: IANA's if it is silent."""
    try:
        first, last = map(int, _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return 49_152, 65_535
    return first, last


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
