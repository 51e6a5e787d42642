"""The forwarder: both its ends, over a Unix socket, as a container and this machine have them."""

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from infra.containers import forwarder
from infra.local.listening import HOST, free_port, listen


@contextmanager
def forwarding(*pairs: str) -> Iterator[subprocess.Popen[bytes]]:
    """A forwarder that is ready."""
    with subprocess.Popen(
        [sys.executable, "-I", forwarder.__file__, *pairs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.communicate(timeout=10)
        assert process.returncode == 0


def answer_backwards(listener: socket.socket) -> None:
    """Takes one connection, reads it to its end, answers with that backwards."""
    connection, _ = listener.accept()
    with connection:
        asked = b"".join(iter(lambda: connection.recv(65_536), b""))
        connection.sendall(asked[::-1])


@pytest.fixture
def two_ends(tmp_path: Path) -> Iterator[tuple[socket.socket, int, Path]]:
    """A server, the port that leads to it, and the socket between."""
    between, port = tmp_path / "s", free_port()
    with ExitStack() as parts:
        server = parts.enter_context(listen(0, "a server", "nothing"))
        to = server.getsockname()[1]
        parts.enter_context(forwarding(f"unix:{between}=tcp:{HOST}:{to}"))
        parts.enter_context(forwarding(f"tcp:{HOST}:{port}=unix:{between}"))
        yield server, port, between


def test_an_answer_comes_back_after_the_question_has_ended(
    two_ends: tuple[socket.socket, int, Path],
) -> None:
    server, port, between = two_ends
    assert stat.S_IMODE(between.stat().st_mode) == 0o600
    thread = Thread(target=answer_backwards, args=(server,))
    thread.start()
    asked = bytes(range(256)) * 8_192
    with socket.create_connection((HOST, port), 10) as connection:
        connection.sendall(asked)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    thread.join()
    assert answer == asked[::-1]


def test_where_nobody_listens_the_connection_ends(tmp_path: Path) -> None:
    port = free_port()
    with (
        forwarding(f"tcp:{HOST}:{port}=unix:{tmp_path}/nobody"),
        socket.create_connection((HOST, port), 10) as connection,
    ):
        assert connection.recv(1) == b""
