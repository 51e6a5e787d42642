"""The bill: worked by hand from the prices, and no resource of the template left out."""

import json
from pathlib import Path

import pytest

from infra.costs.estimate import Line, estimate
from infra.costs.prices import PRICES, read_prices
from infra.costs.traffic import Traffic
from tests.conftest import ROOT
from topshelf.errors import IntegrityError, InvalidInputError

TEMPLATE = ROOT / "template.yaml"
BUSY = Traffic(viewers=1_000_000, requests=150_000_000, events=600_000_000)


def bill(traffic: Traffic = BUSY, **parameters: str) -> dict[tuple[str, str], Line]:
    found = estimate(TEMPLATE, parameters, traffic, read_prices())
    lines = {(line.resource, line.what): line for line in found.lines}
    assert len(lines) == len(found.lines)
    return lines


@pytest.mark.parametrize(
    ("resource", "what", "month"),
    [
        # 150M answers and 60M posts of ten events at $1.00 a million.
        ("HttpApi", "requests", 210.0),
        # 150M x 1,400 bytes = 210 GB at $0.09.
        ("HttpApi", "answers to the internet", 18.9),
        ("RecommendApi", "calls", 30.0),
        # 150M x 15 ms x 1 GB = 2,250,000 GB-s at $0.0000133334.
        ("RecommendApi", "duration", 30.00015),
        # Two units for each of 600M events, at $0.625 a million.
        ("ActivityTable", "writes", 750.0),
        # 600M x 300 bytes x 3 months = 540 GB at $0.25, and at $0.20.
        ("ActivityTable", "storage", 135.0),
        ("ActivityTable", "point-in-time recovery", 108.0),
        # 2,000 bytes fit 4 KB: half a unit each, at $0.125 a million.
        ("top-K tables", "reads with answers", 9.375),
        # 360M refreshes: a consistent read, and two units to write 2,000 bytes.
        ("top-K tables", "refreshes", 45.0 + 450.0),
        # 1,027,000 rows x 2,000 bytes x 30 = 61.62 GB at $0.15.
        ("top-K tables", "imports", 9.243),
        # 60M records rounded up to 5 KB = 300 GB at $0.029.
        ("EventDelivery", "events taken in", 8.7),
        # 150M x (900 + 300) bytes = 180 GB at $0.50.
        ("RecommendApiLogs", "lines taken in", 90.0),
        ("SigningSecret", "kept", 0.4),
        # 30 trainings of an hour with 2 processors at $0.04048, and 16 GB at $0.004445.
        ("TrainingJob", "processors", 2.4288),
        ("TrainingJob", "memory", 2.1336),
        ("TrainingJob", "address", 0.15),
        # 30 x 60 transitions at $0.025 a thousand.
        ("TrainingMachine", "state transitions", 0.045),
        # Failed ones and all.
        ("ApiFailures", "metrics watched", 0.2),
    ],
)
def test_a_line_is_what_the_price_list_makes_it(resource: str, what: str, month: float) -> None:
    assert bill()[resource, what].month == pytest.approx(month)


def test_beyond_300_million_requests_the_api_is_cheaper() -> None:
    traffic = Traffic(viewers=1, requests=400_000_000, events=0)
    assert bill(traffic)["HttpApi", "requests"].month == pytest.approx(300 + 90)


def test_a_deployment_that_nobody_uses_costs_next_to_nothing() -> None:
    nothing = Traffic(viewers=0, requests=0, events=0)
    found = estimate(TEMPLATE, {}, nothing, read_prices())
    assert found.idle < 5
    assert found.personalize == 0


def test_the_month_costs_a_small_share_of_personalize() -> None:
    found = estimate(TEMPLATE, {}, BUSY, read_prices())
    # 150,000 thousands at $0.15.
    assert found.personalize == pytest.approx(22_500)
    assert found.month < 0.15 * found.personalize


def test_the_template_decides_what_memory_and_processor_cost() -> None:
    arm, intel = (bill(Architecture=name) for name in ("arm64", "x86_64"))
    line = "RecommendApi", "duration"
    assert intel[line].month / arm[line].month == pytest.approx(0.0000166667 / 0.0000133334)


def test_what_a_million_adds_is_told_apart() -> None:
    lines = bill()
    assert lines["RecommendApi", "calls"].a_million_requests == pytest.approx(0.2)
    assert lines["RecommendApi", "calls"].a_million_events == 0
    # A million events are 100,000 posts.
    assert lines["IngestEvents", "calls"].a_million_events == pytest.approx(0.02)
    assert lines["IngestEvents", "calls"].a_million_requests == 0


def test_a_resource_whose_cost_nobody_stated_is_told(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Resources:\n  Broker:\n    Type: AWS::AmazonMQ::Broker\n    Properties: {}\n"
        "  Skipped:\n    Type: AWS::MSK::Cluster\n    Condition: Never\n"
        "Conditions:\n  Never: !Equals [a, b]\n"
    )
    with pytest.raises(IntegrityError, match=r"Broker \(AWS::AmazonMQ::Broker\)"):
        estimate(path, {}, BUSY, read_prices())


def test_each_price_says_where_it_is_published() -> None:
    said = json.loads(PRICES.read_bytes())
    for price in said["prices"].values():
        assert price["source"].startswith("https://aws.amazon.com/")


@pytest.mark.parametrize("fault", ["missing", "negative", "no json"])
def test_a_price_file_that_cannot_be_used_is_refused(tmp_path: Path, fault: str) -> None:
    said = json.loads(PRICES.read_bytes())
    if fault == "missing":
        del said["prices"]["secrets"]
    said["prices"]["transfer_out"]["price"] = -1 if fault == "negative" else 1
    path = tmp_path / "prices.json"
    path.write_text("{" if fault == "no json" else json.dumps(said))
    with pytest.raises(InvalidInputError) as refused:
        read_prices(path)
    assert refused.value.field == "prices"


SPARK = {
    "TrainOn": "spark",
    "SparkImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/spark:1",
    "SparkVcpu": "16",
    "SparkMemory": "100",
}


def test_spark_is_reckoned_by_the_most_that_it_may_take() -> None:
    lines = bill(**SPARK)
    # 30 hours x 16 vCPU at $0.052624, and x 100 GB at $0.0057785.
    assert lines["SparkApplication", "processors"].month == pytest.approx(25.25952)
    assert lines["SparkApplication", "memory"].month == pytest.approx(17.3355)
    assert lines["SparkApplication", "processors"].idle == 0
    assert not [resource for resource, _ in bill() if resource == "SparkApplication"]


def test_a_training_on_arm_is_reckoned_by_the_prices_of_arm() -> None:
    lines = bill(TrainingArchitecture="ARM64", **SPARK)
    # 30 hours x 16 vCPU at $0.042094, and x 100 GB at $0.004628.
    assert lines["SparkApplication", "processors"].month == pytest.approx(20.20512)
    assert lines["SparkApplication", "memory"].month == pytest.approx(13.884)
    # 30 hours x 2 vCPU at $0.03238, and x 16 GB at $0.00356.
    assert lines["TrainingJob", "processors"].month == pytest.approx(1.9428)
    assert lines["TrainingJob", "memory"].month == pytest.approx(1.7088)
