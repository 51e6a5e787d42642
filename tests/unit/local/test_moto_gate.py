"""The way into the emulator: nobody is inside while its state is looked at."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from infra.local import moto_gate
from infra.local.moto_gate import STATE_PATH, Gate, gated


def in_thread(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_who_holds_the_gate_waits_for_those_inside_and_keeps_others_out() -> None:
    gate = Gate()
    entered, leave, held, let_go = (threading.Event() for _ in range(4))
    seen: list[str] = []

    def first() -> None:
        with gate.passing():
            entered.set()
            leave.wait(5)
            seen.append("first")

    def look() -> None:
        with gate.held():
            seen.append("looked")
            held.set()
            let_go.wait(5)

    def second() -> None:
        with gate.passing():
            seen.append("second")

    threads = [in_thread(first)]
    entered.wait(5)
    threads.append(in_thread(look))
    assert not held.wait(0.05)
    leave.set()
    held.wait(5)
    threads.append(in_thread(second))
    threads[-1].join(0.05)
    assert seen == ["first", "looked"]
    let_go.set()
    for thread in threads:
        thread.join(5)
    assert seen == ["first", "looked", "second"]


def test_one_that_never_comes_out_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moto_gate, "_PATIENCE_SECONDS", 0.01)
    gate = Gate()
    with gate.passing(), gate.held():
        pass


def test_a_closed_gate_lets_nobody_in() -> None:
    gate = Gate()
    gate.close()
    passed = threading.Event()

    def enter() -> None:
        with gate.passing():
            passed.set()

    in_thread(enter)
    assert not passed.wait(0.05)


def test_how_it_goes_is_told_past_the_gate_and_everything_else_passes_it() -> None:
    gate = Gate()
    statuses: list[str] = []

    def app(_: Any, environ: dict[str, Any], __: Callable[..., Any]) -> Iterable[bytes]:
        return [f"answer to {environ['PATH_INFO']}".encode()]

    answer = gated(app, gate, lambda: {"kept_at": 1.5, "fault": None})

    def ask(path: str) -> bytes:
        return b"".join(answer(None, {"PATH_INFO": path}, lambda s, _: statuses.append(s)))

    assert ask("/bucket") == b"answer to /bucket"
    gate.close()
    assert json.loads(ask(STATE_PATH)) == {"kept_at": 1.5, "fault": None}
    assert statuses == ["200 OK"]
