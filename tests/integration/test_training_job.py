"""The container's entry against an emulator: from events in S3 to a model in S3."""

import gzip
from datetime import date
from typing import Any

import pytest

from tests.unit.test_publish import lists_of
from tests.unit.test_training_job import viewing
from topshelf.aws.model_bucket import ModelBucket
from topshelf.aws.registry_table import RegistryTable
from topshelf.events import encode_line
from topshelf.factors import Regularization
from topshelf.manifest import MANIFEST_NAME, parse_manifest
from topshelf.ports import Champion
from topshelf.refresh import ListRefresh
from training import job


def test_the_job_turns_events_into_a_model(
    client: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = client("s3")
    body = gzip.compress(b"".join(map(encode_line, viewing())) + b"not an event\n")
    s3.put_object(Bucket=bucket, Key="events/dt=2026-01-01/a.jsonl.gz", Body=body)

    assert job.main() == 0, capsys.readouterr().err

    *stages, last = capsys.readouterr().out.splitlines()
    assert [stage.split(":")[0] for stage in stages] == [
        *("read", "check", "choose", "evaluate", "compare", "fit", "lists", "upload")
    ]
    version = last.removeprefix("version: ")
    store = ModelBucket(s3, bucket=bucket)
    manifest = parse_manifest(store.read(version, MANIFEST_NAME), version)
    files = {name: store.read(version, name) for name in manifest.files}
    # A row a viewer, one an item for what is like it, and what is popular.
    assert len(lists_of(files)) == manifest.topk_items == 60 + manifest.n_items + 1
    quarantined = s3.list_objects_v2(Bucket=bucket, Prefix="quarantine/")["Contents"]
    assert [entry["Key"] for entry in quarantined] == ["quarantine/dt=2026-01-01/a.jsonl.gz"]

    registry = RegistryTable(client("dynamodb"), table=bucket)
    live = registry.flip(None, version, seen_since=date(2026, 1, 1))
    assert isinstance(live, Champion)
    lists: Any = None
    model = ListRefresh(lists=lists, artefacts=store, registry=registry).live_model()
    assert model is not None
    als = manifest.parameters["als"]
    assert model.regularization == Regularization(als["regularization"], als["exponent"])
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="checkpoints/")


def test_an_empty_lake_is_a_reason_and_not_a_traceback(
    bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job.main() == 1
    assert "training failed: there are 0 interactions" in capsys.readouterr().err
