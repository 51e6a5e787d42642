"""What each resource of the template costs, by its type and, where it must be, its name."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.costs.prices import Prices
from infra.costs.traffic import Traffic
from topshelf.errors import IntegrityError

__all__ = ["Charge", "Resource", "charges_of"]

_GB = 1e9
_MILLION = 1e6
_FIREHOSE_STEP = 5_000
_ACCESS_LINE_BYTES = 250
_COMPRESSED = 0.2
"""What gzip leaves of lines like ours."""
_ENVELOPE_BYTES = 120
"""What CloudWatch Logs puts around a line that it hands on."""
_TOPK = "top-K tables"
_CHECKS = ("CheckIngestEvents", "CheckRecommendApi")
"""Functions that run a moment when new code is deployed."""
_RARE_LOGS = ("CheckDeploymentLogs", "TrainingJobLogs", "TrainingMachineLogs")
"""Logs of what runs once a day, or when new code is deployed: a few lines."""
_METRICS = {"RecommendApiLogs": 10, "IngestEventsLogs": 3}
"""Custom metrics in a function's log lines; each is billed once for the slot and service."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the bill.

    Attributes:
        resource: Logical id in the template.
        what: Is charged for.
        idle: US dollars a month when nobody asks and no event comes.
        busy: US dollars a month on top, with the traffic.
    """

    resource: str
    what: str
    idle: float
    busy: float


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the template: its logical id, its properties, and what resolves functions."""

    name: str
    properties: Mapping[str, Any]
    resolve: Callable[[Any], Any]

    def value(self, key: str) -> Any:
        """A property's value."""
        return self.resolve(self.properties[key])


Rule = Callable[[Resource, Traffic, Prices], Iterator[Charge]]


def charges_of(kind: str, resource: Resource, traffic: Traffic, prices: Prices) -> list[Charge]:
    """The lines of the bill of one resource; none for what is free.

    Args:
        kind: Its type.
        resource: The resource.
        traffic: The month.
        prices: Of the region.

    Raises:
        IntegrityError: No rule speaks of it.
    """
    if kind in _FREE:
        return []
    rule = _RULES.get(kind) or _RULES.get(f"{kind} {resource.name}")
    if rule is None:
        raise IntegrityError(
            f"nobody has said what {resource.name} ({kind}) costs; "
            "add a rule to infra/costs/rules.py"
        )
    return list(rule(resource, traffic, prices))


def _http_api(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    million = (t.requests + t.posts) / _MILLION
    first = min(million, 300)
    busy = p.of("api_gateway_http_requests", first)
    busy += p.of("api_gateway_http_requests_beyond", million - first)
    yield Charge(r.name, "requests", 0, busy)
    out = t.requests * t.answer_bytes / _GB
    yield Charge(r.name, "answers to the internet", 0, p.of("transfer_out", out))


def _function(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    if r.name in _CHECKS:
        return
    calls, seconds = {
        "RecommendApi": (t.requests, t.requests * t.recommend_ms / 1000),
        "IngestEvents": (t.posts, t.posts * t.ingest_ms / 1000),
        "RefreshTopk": (t.refreshes / t.refreshes_a_call, t.refreshes * t.refresh_ms / 1000),
        "ReleaseModel": (t.trainings, t.trainings * t.release_s),
    }[r.name]
    yield Charge(r.name, "calls", 0, p.of("lambda_requests", calls / _MILLION))
    price = f"lambda_seconds_{r.value('Architectures')[0]}"
    busy = p.of(price, seconds * int(r.value("MemorySize")) / 1024)
    yield Charge(r.name, "duration", 0, busy)


def _logs(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    calls = {
        "RecommendApiLogs": t.requests,
        "IngestEventsLogs": t.posts,
        "RefreshTopkLogs": t.refreshes / t.refreshes_a_call,
        "ReleaseModelLogs": t.trainings,
    }
    of_ours = {"RecommendApiLogs": t.line_bytes, "IngestEventsLogs": 350}
    if r.name in _RARE_LOGS:
        return
    if r.name in calls:
        size = calls[r.name] * (t.platform_log_bytes + of_ours.get(r.name, 0)) / _GB
    else:
        size = (t.requests + t.posts) * _ACCESS_LINE_BYTES / _GB
    yield Charge(r.name, "lines taken in", 0, p.of("logs_ingestion", size))
    kept = size * _COMPRESSED * int(r.value("RetentionInDays")) / 30
    yield Charge(r.name, "lines kept", 0, p.of("logs_storage", kept))
    if r.name in _METRICS:
        yield Charge(r.name, "metrics", 0, p.of("cloudwatch_metrics", _METRICS[r.name]))


def _activity(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    # The event, and the day's set of what the viewer has seen.
    yield Charge(r.name, "writes", 0, p.of("dynamodb_writes", 2 * t.events / _MILLION))
    # A consistent read of a day's set, each under 4 KB.
    reads = t.requests * t.seen_days / _MILLION
    yield Charge(r.name, "reads with answers", 0, p.of("dynamodb_reads", reads))
    size = t.events * t.activity_bytes * t.activity_days / 30 / _GB
    yield Charge(r.name, "storage", 0, p.of("dynamodb_storage", size))
    yield Charge(r.name, "point-in-time recovery", 0, p.of("dynamodb_pitr", size))


def _registry(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    # Each running copy of a function asks every five seconds: at most a hundred copies.
    reads = min(t.requests, 100 * 86_400 * 30 / 5) / _MILLION / 2
    yield Charge(r.name, "reads", 0, p.of("dynamodb_reads", reads))


def _bucket(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    events = t.events * t.event_bytes * _COMPRESSED * t.lake_months / _GB
    exposures = t.requests * t.line_bytes * _COMPRESSED * t.lake_months / _GB
    yield Charge(r.name, "events kept", 0, p.of("s3_storage", events))
    yield Charge(r.name, "exposures kept", 0, p.of("s3_storage", exposures))
    # Lists (half of it after gzip) and factors of a model; a month of models is kept.
    model = (t.viewers + t.movies) * (t.list_bytes / 2 + 4 * 64) / _GB
    yield Charge(r.name, "models kept", 0, p.of("s3_storage", model * t.trainings))
    objects = 2 * 12 * 24 * 30 / _MILLION if t.requests or t.events else 0
    yield Charge(r.name, "objects written", 0, p.of("s3_puts", objects))
    # The lists as a table: read, replaced by refreshes, imported with each release.
    units = math.ceil(t.list_bytes / 4096) / 2
    reads = t.requests * units / _MILLION
    yield Charge(_TOPK, "reads with answers", 0, p.of("dynamodb_reads", reads))
    reads, writes = 2 * units, math.ceil(t.list_bytes / 1024)
    busy = p.of("dynamodb_reads", t.refreshes * reads / _MILLION)
    busy += p.of("dynamodb_writes", t.refreshes * writes / _MILLION)
    yield Charge(_TOPK, "refreshes", 0, busy)
    size = (t.viewers + t.movies) * t.list_bytes / _GB
    yield Charge(_TOPK, "imports", 0, p.of("dynamodb_import", size * t.trainings))
    # The live version and the one before.
    yield Charge(_TOPK, "storage", 0, p.of("dynamodb_storage", 2 * size))


def _delivery(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    if r.name == "EventDelivery":
        # The events of a request are one record, rounded up.
        steps = math.ceil(t.events_a_post * t.event_bytes / _FIREHOSE_STEP)
        size = t.posts * steps * _FIREHOSE_STEP / _GB
        yield Charge(r.name, "events taken in", 0, p.of("firehose_direct_put", size))
        return
    size = t.requests * (t.line_bytes + _ENVELOPE_BYTES) / _GB
    yield Charge(r.name, "exposures taken in", 0, p.of("firehose_direct_put", size * _COMPRESSED))
    yield Charge(r.name, "exposures unpacked", 0, p.of("firehose_decompression", size))


def _secret(r: Resource, __: Traffic, p: Prices) -> Iterator[Charge]:
    yield Charge(r.name, "kept", p.of("secrets", 1), 0)


def _alarm(r: Resource, _: Traffic, p: Prices) -> Iterator[Charge]:
    metrics = r.properties.get("Metrics", [{"MetricStat": {}}])
    watched = sum("MetricStat" in metric for metric in metrics)
    yield Charge(r.name, "metrics watched", p.of("cloudwatch_alarms", watched), 0)


def _state_machine(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    thousands = t.trainings * t.release_states / 1000
    yield Charge(r.name, "state transitions", 0, p.of("state_transitions", thousands))


def _training(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    """As if on demand: what Spot capacity costs changes by the hour, and is always less."""
    container = r.properties["ContainerProperties"]
    needs = r.resolve(container["ResourceRequirements"])
    sizes = {need["Type"]: float(need["Value"]) for need in needs}
    hours = t.trainings * t.training_hours
    kind = _kind(r.resolve(container["RuntimePlatform"]["CpuArchitecture"]))
    yield Charge(r.name, "processors", 0, p.of(f"fargate_vcpu{kind}", hours * sizes["VCPU"]))
    memory = hours * sizes["MEMORY"] / 1024
    yield Charge(r.name, "memory", 0, p.of(f"fargate_memory{kind}", memory))
    if r.resolve(container["NetworkConfiguration"])["AssignPublicIp"] == "ENABLED":
        yield Charge(r.name, "address", 0, p.of("public_ipv4", hours))


def _spark(r: Resource, t: Traffic, p: Prices) -> Iterator[Charge]:
    """As if every training took all that it may, as long as one in a container."""
    most = {key: float(str(size).split()[0]) for key, size in r.value("MaximumCapacity").items()}
    hours = t.trainings * t.training_hours
    kind = _kind(r.value("Architecture"))
    yield Charge(r.name, "processors", 0, p.of(f"emr_serverless_vcpu{kind}", hours * most["Cpu"]))
    memory = hours * most["Memory"]
    yield Charge(r.name, "memory", 0, p.of(f"emr_serverless_memory{kind}", memory))


def _kind(architecture: str) -> str:
    """What the names of a processor's prices end with: those of x86 are named without it."""
    return {"X86_64": "", "ARM64": "_arm64"}[architecture]


_FREE = frozenset(
    {
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobQueue",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Logs::SubscriptionFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::Scheduler::Schedule",
    }
)
"""Types that cost nothing, or nothing while all is well: queues and topics of failures, a schedule
that starts once a day, endpoints that are gateways, versions without a snapshot."""

_RULES: dict[str, Rule] = {
    "AWS::ApiGatewayV2::Api": _http_api,
    "AWS::Batch::JobDefinition": _training,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::EMRServerless::Application": _spark,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _logs,
    "AWS::DynamoDB::Table ActivityTable": _activity,
    "AWS::DynamoDB::Table RegistryTable": _registry,
    "AWS::S3::Bucket": _bucket,
    "AWS::KinesisFirehose::DeliveryStream": _delivery,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
"""By type, or by type and logical id."""
