"""When an application is built, and what it forgets when its process is restored."""

import runpy
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.aws_client import ScriptedClient
from tests.fakes.model_ports import FakeRegistry
from tests.fakes.serving_ports import FakeLists, ready_list
from topshelf.aws.signing_secret import SigningSecret
from topshelf.errors import SettingsError, UnavailableError
from topshelf.ports import Champion
from topshelf.serving.breaker import CircuitBreaker
from topshelf.serving.pointer import PointerCache
from topshelf.serving.popular import PopularLists
from topshelf.web.entry import Built, lambda_entry

FUNCTIONS = Path(__file__).resolve().parents[3] / "functions"


class Hooks(ModuleType):
    """What Lambda's runtime offers to code that is frozen and restored."""

    def __init__(self) -> None:
        super().__init__("snapshot_restore_py")
        self.registered: list[Callable[[], None]] = []

    def register_after_restore(self, call: Callable[[], None]) -> Callable[[], None]:
        self.registered.append(call)
        return call


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    made = Hooks()
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


class Building:
    def __init__(self) -> None:
        self.times = 0
        self.forgot: list[str] = []

    def __call__(self) -> Built:
        self.times += 1
        forgets = (lambda: self.forgot.append("a"), lambda: self.forgot.append("b"))
        return Built(lambda event, _: event | {"built": self.times}, forgets)


def test_an_application_is_built_once_and_with_the_first_request() -> None:
    building = Building()
    handler = lambda_entry(building, from_snapshot=False)
    assert building.times == 0
    assert [handler({"n": n}, None) for n in (1, 2)] == [{"n": 1, "built": 1}, {"n": 2, "built": 1}]


def test_before_a_snapshot_it_is_built_at_once_and_forgets_after_the_restore(hooks: Hooks) -> None:
    building = Building()
    handler = lambda_entry(building, from_snapshot=True)
    assert (building.times, building.forgot) == (1, [])
    for call in hooks.registered:
        call()
    assert building.forgot == ["a", "b"]
    # The application itself, and its clients, are those of the snapshot.
    assert handler({}, None) == {"built": 1}


ENVIRONMENT = {
    "TOPSHELF_AUTHORIZER": "iam",
    "TOPSHELF_REGISTRY_TABLE": "registry",
    "TOPSHELF_ACTIVITY_TABLE": "activity",
    "TOPSHELF_TOPK_PREFIX": "topk",
    "TOPSHELF_SIGNING_SECRET": "secret",
    "TOPSHELF_EVENTS_STREAM": "events",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}


@pytest.mark.parametrize(("name", "forgets"), [("recommend_api", 4), ("ingest_events", 0)])
def test_both_functions_are_built_before_a_snapshot(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch, name: str, forgets: int
) -> None:
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    path = str(FUNCTIONS / name / "handler.py")
    runpy.run_path(path)
    assert len(hooks.registered) == forgets
    # A deployment that lacks a variable fails before a version of it is published.
    monkeypatch.delenv("TOPSHELF_AUTHORIZER")
    with pytest.raises(SettingsError, match="TOPSHELF_AUTHORIZER"):
        runpy.run_path(path)
    # Without a snapshot nothing is read when the file is loaded.
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    loaded: dict[str, Any] = runpy.run_path(path)
    assert callable(loaded["lambda_handler"])


class Clock:
    """A clock that may go back, as another machine's has."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_live_version_is_asked_for_again_although_the_clock_went_back() -> None:
    clock, registry = Clock(), FakeRegistry(Champion("v1", None, date(2026, 1, 1), 1))
    pointer = PointerCache(registry, ttl=5, monotonic=clock)
    assert (pointer.get(), registry.asked) == (registry.live, 1)
    registry.live = Champion("v2", "v1", date(2026, 1, 2), 2)
    clock.now = 0
    assert pointer.get() != registry.live
    pointer.forget()
    assert pointer.get() == registry.live


def test_an_outage_before_the_restore_is_forgotten() -> None:
    clock, registry = Clock(), FakeRegistry(Champion("v1", None, date(2026, 1, 1), 1))
    pointer, breaker = PointerCache(registry, ttl=5, monotonic=clock), CircuitBreaker(clock)
    registry.down = True

    def slow() -> None:
        clock.now += 1
        raise UnavailableError("slow")

    for failing in (pointer.get, lambda: breaker.call(slow)):
        with pytest.raises(UnavailableError):
            failing()
    registry.down, clock.now = False, 0
    for still in (pointer.get, lambda: breaker.call(lambda: 1)):
        with pytest.raises(UnavailableError):
            still()
    pointer.forget()
    breaker.forget()
    assert (pointer.get(), breaker.call(lambda: 1)) == (registry.live, 1)
    # Its next pause is a first one again.
    with pytest.raises(UnavailableError):
        breaker.call(slow)
    clock.now += 1
    assert breaker.call(lambda: 2) == 2


def test_popular_lists_are_read_again() -> None:
    lists = FakeLists()
    lists.charts["v1"] = ready_list("old")
    popular = PopularLists(lists, CircuitBreaker(Clock()))
    popular.of("v1", "")
    lists.charts["v1"] = ready_list("new")
    popular.forget()
    assert popular.of("v1", "") == ready_list("new")


def test_the_signing_key_is_read_again() -> None:
    clock = Clock()
    client = ScriptedClient({"SecretString": "old"}, {"SecretString": "new"})
    keys = SigningSecret(client, secret="arn", monotonic=clock)
    assert keys.current() == b"old"
    clock.now = 0
    keys.forget()
    assert (keys.current(), keys.current()) == (b"new", b"new")
