"""What every test has: sockets off in unit tests, an emulator where one is asked for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer
from pytest_socket import disable_socket, enable_socket

from infra.local.moto_server import mend_moto
from topshelf.aws.clients import create_client

ROOT = Path(__file__).resolve().parents[1]
REGION = "us-east-1"

# Tests tell what is right, not what is quick: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests reach nothing outside their process."""
    if "/tests/unit/" in item.path.as_posix():
        disable_socket(allow_unix_socket=True)
    else:
        enable_socket()


@pytest.fixture(scope="session", autouse=True)
def event_loop_of_main_thread() -> Iterator[None]:
    """Mangum takes the thread's loop; asking for one where there is none is deprecated."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real interactions, read in place."""
    found = ROOT.parent / "shared" / "data"
    if not found.is_dir():
        pytest.skip("no real data beside the repository (../shared/data)")
    return found


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The address of a moto server of the tests' own."""
    mend_moto()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://localhost:{port}"
    server.stop()


@pytest.fixture
def client(emulator: str) -> Any:
    """Makes clients of the emulator: ``client("s3")``."""
    return lambda service: create_client(service, REGION, emulator, attempts=1, timeout=10)
