"""The two jobs, on one machine and on Spark, on a bucket of an emulator."""

import gzip
import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
from pyspark import SparkContext

from tests.fakes.model_ports import FakeCheckpoints, FakeRegistry
from tests.unit.test_training_job import PARAMETERS, viewing
from topshelf.aws.clients import create_client
from topshelf.aws.lake_bucket import LakeBucket
from topshelf.aws.model_bucket import ModelBucket
from topshelf.events import DEFAULT_POLICY, Interaction, encode_line
from topshelf.manifest import Manifest
from training.job import train
from training.spark.job import train_shared

__all__ = [
    "NDCG",
    "NOW",
    "REGION",
    "Trained",
    "messy",
    "new_lake",
    "on_one_machine",
    "on_spark",
    "open_artefacts",
    "open_lake",
]

REGION = "us-east-1"
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
NDCG = "normalized_discounted_cumulative_gain_at_10"


def open_lake(bucket: str, endpoint: str) -> LakeBucket:
    return LakeBucket(create_client("s3", REGION, endpoint), bucket=bucket)


def open_artefacts(bucket: str, endpoint: str) -> ModelBucket:
    return ModelBucket(create_client("s3", REGION, endpoint), bucket=bucket)


def messy() -> list[Interaction]:
    """Viewing in which sessions, their sign-ins and repeats are in objects far apart."""
    events = viewing(users=80)
    rng = np.random.default_rng(5)
    found = []
    for number, event in enumerate(events):
        kind = rng.integers(6)
        if kind == 0:
            # Before sign-in: the session tells whose it is.
            found.append(replace(event, user_id=None, session_id=f"s-{event.user_id}"))
        elif kind == 1:
            found.append(replace(event, event_id=f"e{number}"))
        else:
            found.append(event)
        if rng.random() < 0.1:
            found.append(found[-1])
    users = sorted({event.user_id for event in events if event.user_id})
    signed_in = [
        Interaction(
            item_id="m000",
            event_type="view",
            timestamp=1_767_300_000_000,
            user_id=user,
            session_id=f"s-{user}",
        )
        for user in users[:-5]
    ]
    lost = Interaction(
        item_id="m001", event_type="view", timestamp=1_767_300_000_001, session_id="nobody"
    )
    return [*found, *signed_in, lost]


@dataclass
class Trained:
    manifest: Manifest
    files: dict[str, bytes]
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def array(self, name: str) -> Any:
        return np.load(io.BytesIO(self.files[name]), allow_pickle=False)


def new_lake(endpoint: str, events: list[Interaction], movies: int = 130) -> str:
    """A bucket with the events in seven objects, a line that is none in each, and a catalogue."""
    name = f"lake-{uuid4().hex[:8]}"
    s3 = create_client("s3", REGION, endpoint)
    s3.create_bucket(Bucket=name)
    for part in range(7):
        body = b"".join(map(encode_line, events[part::7])) + b"not an event\n"
        key = f"events/dt=2026-01-0{part + 1}/a.jsonl.gz"
        s3.put_object(Bucket=name, Key=key, Body=gzip.compress(body))
    titles = b"".join(
        json.dumps({"item_id": f"m{i:03d}", "title": f"Film {i}", "genres": ["Drama"]}).encode()
        + b"\n"
        for i in range(movies)
    )
    s3.put_object(Bucket=name, Key="catalog/items.jsonl.gz", Body=gzip.compress(titles))
    return name


def on_spark(
    context: SparkContext, lake: str, emulator: str, kept: FakeCheckpoints, **changes: Any
) -> Trained:
    told: list[tuple[str, int, int]] = []
    arguments: dict[str, Any] = {
        "open_lake": partial(open_lake, lake, emulator),
        "open_artefacts": partial(open_artefacts, lake, emulator),
        "registry": FakeRegistry(),
        "checkpoints": kept,
        "policy": DEFAULT_POLICY,
        "parameters": PARAMETERS,
        "git_commit": "abc",
        "clock": lambda: NOW,
        "progress": lambda *step: told.append(step),
        "parts": 3,
    }
    manifest = train_shared(context, **arguments | changes)
    store = open_artefacts(lake, emulator)
    files = {name: store.read(manifest.version, name) for name in manifest.files}
    return Trained(manifest, files, told)


def on_one_machine(lake: str, endpoint: str, **changes: Any) -> Trained:
    store = open_artefacts(lake, endpoint)
    arguments: dict[str, Any] = {
        "lake": open_lake(lake, endpoint),
        "artefacts": store,
        "registry": FakeRegistry(),
        "checkpoints": FakeCheckpoints(),
        "policy": DEFAULT_POLICY,
        "parameters": PARAMETERS,
        "git_commit": "abc",
        "clock": lambda: NOW,
        "progress": lambda *_: None,
    }
    manifest = train(**arguments | changes)
    return Trained(manifest, {n: store.read(manifest.version, n) for n in manifest.files})
