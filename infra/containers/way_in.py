"""The way from containers to the local cloud, which listens on loopback: that, and nothing else.

A forwarder on this side listens on a Unix socket, one in a container hands connections to it.
Nothing listens on an address that others reach, and no firewall rule is needed. What joins the
container's network has the forwarder's ports; with no network but that (``none``), only those.
"""

import os
import select
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from infra.containers import forwarder
from infra.containers.running import run
from topshelf.errors import UnavailableError

__all__ = ["ALIAS", "LABEL", "network", "way_in"]

ALIAS: Final = "cloud"
"""Name of the local cloud in a container network."""

LABEL: Final = "topshelf.containers"
"""On every container, network and image that is made here."""

_READY_SECONDS: Final = 30.0
_END_SECONDS: Final = 10.0
_INSIDE: Final = "/run/cloud"


@contextmanager
def network() -> Iterator[str]:
    """A network without a way out, for as long as the block runs; its name."""
    name = f"topshelf-{uuid.uuid4().hex[:12]}"
    run(["docker", "network", "create", "--internal", "--label", LABEL, name])
    try:
        yield name
    finally:
        run(["docker", "network", "rm", name])


@contextmanager
def way_in(image: str, ports: Mapping[int, int], joined: str = "none") -> Iterator[str]:
    """Lets containers reach ports of this machine's loopback.

    Args:
        image: One with Python.
        ports: This machine's ports, by the port in the container network.
        joined: Network that the forwarder joins, under the name ``cloud``; ``none`` for one that
            has nothing but what shares it (``--network container:NAME``).

    Yields:
        The name of the forwarder's container.

    Raises:
        UnavailableError: A forwarder does not start.
    """
    name = f"topshelf-way-in-{uuid.uuid4().hex[:12]}"
    with TemporaryDirectory(prefix="topshelf-") as folder:
        outside = [f"unix:{folder}/{port}=tcp:127.0.0.1:{to}" for port, to in ports.items()]
        inside = [f"tcp:0.0.0.0:{port}=unix:{_INSIDE}/{port}" for port in ports]
        source = Path(forwarder.__file__)
        with (
            _forwarding([sys.executable, "-I", str(source), *outside], "on this machine"),
            _forwarding([*_container(name, image, joined, folder, source), *inside], "inside"),
        ):
            yield name


def _container(name: str, image: str, joined: str, folder: str, source: Path) -> list[str]:
    alias = [] if joined == "none" else ["--network-alias", ALIAS]
    return [
        *("docker", "run", "--rm", "--interactive", "--name", name, "--label", LABEL),
        *("--network", joined, *alias),
        *("--user", f"{os.getuid()}:{os.getgid()}", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges"),
        *("--volume", f"{folder}:{_INSIDE}", "--volume", f"{source}:/forwarder.py:ro"),
        *("--entrypoint", "python3", image, "-I", "/forwarder.py"),
    ]


@contextmanager
def _forwarding(command: Sequence[str], where: str) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if _first_line(process) != b"ready\n":
            process.kill()
            _, said = process.communicate()
            raise UnavailableError(
                f"the forwarder {where} does not start: {said.decode(errors='replace').strip()}"
            )
        yield
    finally:
        _end(process)


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    if process.stdout is None or not select.select([process.stdout], [], [], _READY_SECONDS)[0]:
        return b""
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes]) -> None:
    # The end of its input is the forwarder's own end, and that of its container.
    try:
        if process.poll() is None:
            process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
