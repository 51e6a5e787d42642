"""What every MetricSink does: the fake and CloudWatch's Embedded Metric Format."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.event_ports import FakeMetrics
from topshelf.aws.emf_metrics import EmfMetrics
from topshelf.ports import MetricSink

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture(params=["fake", "emf"])
def sink(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> tuple[MetricSink, Read]:
    if request.param == "fake":
        fake = FakeMetrics()

        def read_fake() -> list[dict[str, Any]]:
            return [
                {"slot": slot} | {name: [value] for name, (_, value) in metrics.items()} | details
                for slot, metrics, details in fake.lines
            ]

        return fake, read_fake
    return EmfMetrics("recommend_api"), lambda: [
        json.loads(line) for line in capsys.readouterr().out.splitlines()
    ]


def test_a_request_is_one_line_with_its_values_and_details(sink: tuple[MetricSink, Read]) -> None:
    metrics, read = sink
    metrics.emit("champion", {"answers": ("Count", 1)}, {"user_id": "a/b", "items": ["m1", "m2"]})
    metrics.emit("champion", {"answers": ("Count", 2)}, {})
    first, second = read()
    assert first["slot"] == "champion"
    assert first["answers"] == [1]
    assert (first["user_id"], first["items"]) == ("a/b", ["m1", "m2"])
    assert second["answers"] == [2]
    assert "user_id" not in second


def test_emf_bills_by_service_and_slot_alone(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("recommend_api").emit(
        "champion", {"latency": ("Milliseconds", 3.5)}, {"user_id": "u1"}
    )
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "topshelf"
    assert [sorted(names) for names in directive["Dimensions"]] == [["service", "slot"]]
    assert directive["Metrics"] == [{"Name": "latency", "Unit": "Milliseconds"}]
    assert (line["service"], line["user_id"]) == ("recommend_api", "u1")
