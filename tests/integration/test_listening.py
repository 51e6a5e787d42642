"""Ports: none that a connection of somebody else may take."""

import socket
from pathlib import Path

import pytest

from infra.local import listening
from infra.local.listening import HOST, await_free, free_port, listen
from topshelf.errors import UnavailableError


def test_no_port_is_given_twice() -> None:
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50


def test_connections_do_not_take_a_free_port() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    for _ in range(50):
        port = free_port()
        assert not first <= port <= last
        assert 10_240 <= port <= 65_535


def test_a_used_port_is_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only = free_port()
    limits = tmp_path / "range"
    limits.write_text(f"{only + 1}\t65535\n")
    monkeypatch.setattr(listening, "_EPHEMERAL", limits)
    monkeypatch.setattr(listening, "_FIRST", only)
    monkeypatch.setattr(listening, "_given", set())
    with listen(only, "the test", "nothing"):
        assert free_port() != only
    assert free_port() == only


def test_a_system_that_says_no_range_has_that_of_iana(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listening, "_EPHEMERAL", tmp_path / "absent")
    assert all(free_port() < 49_152 for _ in range(20))


def test_a_used_port_is_refused_by_name() -> None:
    with (
        listen(0, "the test", "nothing") as used,
        pytest.raises(UnavailableError, match=r"for the other, is used .* with --other"),
    ):
        listen(used.getsockname()[1], "the other", "--other")


def test_freedom_is_awaited() -> None:
    with socket.socket() as used:
        used.bind((HOST, 0))
        used.listen()
        port = used.getsockname()[1]
        assert not await_free([port], 0.1)
    assert await_free([port], 5)
