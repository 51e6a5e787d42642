"""Manifests and the names of versions."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest

from topshelf.errors import IntegrityError, InvalidInputError
from topshelf.manifest import (
    DataSnapshot,
    FileEntry,
    Manifest,
    artefact_prefix,
    check_version,
    make_version,
    parse_manifest,
)

VERSION = "20260131T235959Z-0a1b2c3d"
ONE = FileEntry(size=1, sha256="1" * 64)
TWO = FileEntry(size=2, sha256="2" * 64)


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "version": VERSION,
        "n_users": 3,
        "n_items": 5,
        "factors": 2,
        "topk_items": 4,
        "files": {"user_factors.npy": ONE},
        "data": DataSnapshot(taken_at=2, newest_event=1, objects={"events/a.jsonl.gz": '"e"'}),
        "git_commit": "abc",
        "parameters": {"regularization": 0.1, "days": None},
        "seed": 7,
        "metrics": {"als": {"ndcg_at_10": 0.1}},
        "parent_version": None,
    }
    return Manifest(**(values | changes))


def test_a_manifest_comes_back() -> None:
    said = manifest(parent_version="20260130T000000Z-00000000")
    assert parse_manifest(said.model_dump_json().encode(), VERSION) == said


def test_the_manifest_of_another_version_is_refused() -> None:
    raw = manifest().model_dump_json().encode()
    with pytest.raises(IntegrityError, match=f"is that of {VERSION}"):
        parse_manifest(raw, "20260131T235959Z-ffffffff")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        manifest().model_dump_json().encode()[:-1],
        manifest().model_dump_json().replace('"n_users":3', '"n_users":0').encode(),
        manifest().model_dump_json().replace("1" * 64, "1" * 63).encode(),
        manifest().model_dump_json().replace('"seed":7', '"seed":7,"extra":1').encode(),
    ],
)
def test_a_damaged_manifest_is_told(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match=f"the manifest of {VERSION} is damaged"):
        parse_manifest(raw, VERSION)


def test_a_version_names_its_second_and_its_content() -> None:
    at = datetime(2026, 1, 31, 23, 59, 59, 999_999, UTC)
    content = f"a\0{'1' * 64}\nb\0{'2' * 64}\n"
    expected = sha256(content.encode()).hexdigest()[:8]
    assert make_version(at, {"b": TWO, "a": ONE}) == f"20260131T235959Z-{expected}"
    assert check_version(make_version(at, {})) == make_version(at, {})


def test_a_version_is_named_in_utc() -> None:
    east = datetime(2026, 2, 1, 1, 59, 59, tzinfo=timezone(timedelta(hours=2)))
    assert make_version(east, {}).startswith("20260131T235959Z-")


def test_another_name_or_content_is_another_version() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    versions = {make_version(at, files) for files in ({"a": ONE}, {"b": ONE}, {"a": TWO})}
    assert len(versions) == 3


@pytest.mark.parametrize(
    "version",
    [
        "",
        "champion",
        "20260131T235959Z-0A1B2C3D",
        "20260131T235959Z-0a1b2c3",
        "20260131T235959Z-0a1b2c3d\n",
        "../20260131T235959Z-0a1b2c3d",
        "\u0662\u0660260131T235959Z-0a1b2c3d",
        "x" * 500,
    ],
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(InvalidInputError, match="is no model version") as caught:
        check_version(version)
    assert caught.value.field == "version"
    assert len(str(caught.value)) < 200


def test_a_version_is_returned() -> None:
    assert check_version(VERSION) == VERSION
    assert artefact_prefix(VERSION) == f"models/{VERSION}/"
