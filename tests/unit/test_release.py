"""Releasing: only what is whole and imported goes live."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from tests.fakes.model_ports import FakeFactorStore, FakeRegistry
from tests.fakes.topk_import import FakeTopKImport
from topshelf.errors import (
    ConflictError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
)
from topshelf.manifest import DataSnapshot, FileEntry, Manifest, version_hash
from topshelf.ports import ImportReport
from topshelf.release import SAMPLE_NAME, ModelRelease
from topshelf.topk import POPULAR_KEY, TopKList

V1, V2 = "20260101T000000Z-00000001", "20260102T000000Z-00000002"
NDCG = "normalized_discounted_cumulative_gain_at_10"
SAMPLE = {"u1": "m1 m2", POPULAR_KEY: "m3 m1"}
TAKEN = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


class World:
    """A release over fakes, with artefacts to release."""

    def __init__(self) -> None:
        self.artefacts = FakeFactorStore()
        self.imports = FakeTopKImport()
        self.registry = FakeRegistry()
        self.release = ModelRelease(self.artefacts, self.imports, self.registry, 0.1)
        for version in (V1, V2):
            self.write(version)

    def write(self, version: str) -> None:
        files = {
            "item_factors.npy": b"\x01" * 5_000,
            "topk/part-00000.json.gz": b"lists",
            SAMPLE_NAME: json.dumps(SAMPLE).encode(),
        }
        for name, content in files.items():
            self.artefacts.write(version, name, content)
        manifest = Manifest(
            version=version,
            n_users=1,
            n_items=3,
            factors=2,
            topk_items=2,
            files={
                name: FileEntry(size=len(content), sha256=sha256(content).hexdigest())
                for name, content in files.items()
            },
            data=DataSnapshot(taken_at=int(TAKEN.timestamp() * 1000), newest_event=1, objects={}),
            git_commit="abc",
            parameters={},
            seed=0,
            metrics={"als": {NDCG: 0.2}, "popularity": {NDCG: 0.15}},
        )
        self.artefacts.write(version, "manifest.json", manifest.model_dump_json().encode())
        self.imports.rows[version] = {
            key: TopKList(items, b"", b"", b"", "batch", 1) for key, items in SAMPLE.items()
        }

    def go_live(self, version: str) -> None:
        for step in ("verify", "gate", "import", "check", "flip"):
            self.release.run(step, version)


@pytest.fixture
def world() -> World:
    return World()


def live_version(world: World) -> str | None:
    champion = world.registry.champion()
    return champion.version if champion else None


def test_the_five_steps_make_a_version_live(world: World) -> None:
    assert world.release.run("verify", V1) == {"status": "verified", "files": 3}
    assert world.release.run("gate", V1) == {"status": "passed"}
    assert world.release.run("import", V1) == {"status": "running"}
    assert world.release.run("check", V1) == {"status": "completed", "imported": 2}
    assert world.release.run("flip", V1) == {"status": "live", "version": V1, "previous": ""}
    champion = world.registry.champion()
    assert champion is not None
    # Events accepted in the hour before the snapshot may not have been in the lake yet.
    assert champion.seen_since == date(2025, 12, 31)


def test_what_an_answer_came_from_is_kept_in_the_registry(world: World) -> None:
    world.release.verify(V1)
    known = world.registry.describe(V1)
    assert (known["git_commit"], known["seed"], known["data_objects"]) == ("abc", "0", "0")
    assert known["manifest"] == f"models/{V1}/manifest.json"
    assert world.registry.describe(version_hash(V1).hex())["version"] == V1


def test_rollback_goes_back_and_again_forth(world: World) -> None:
    world.go_live(V1)
    world.go_live(V2)
    assert world.release.run("rollback", "")["version"] == V1
    assert world.release.run("rollback", "")["version"] == V2


def test_there_is_nothing_to_roll_back_to_at_first(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.release.rollback()
    world.go_live(V1)
    with pytest.raises(NotFoundError):
        world.release.rollback()


def test_every_single_flipped_byte_is_found(world: World) -> None:
    world.go_live(V1)
    for (version, name), content in list(world.artefacts.files.items()):
        if version != V2 or name == "manifest.json":
            continue
        broken = bytes([content[0] ^ 1]) + content[1:]
        world.artefacts.files[version, name] = broken
        with pytest.raises(IntegrityError, match=name):
            world.release.verify(V2)
        world.artefacts.files[version, name] = content
    assert live_version(world) == V1


def test_a_missing_or_cut_file_is_found(world: World) -> None:
    whole = world.artefacts.files.pop((V1, "topk/part-00000.json.gz"))
    with pytest.raises(IntegrityError, match="lacks topk/part"):
        world.release.verify(V1)
    world.artefacts.files[V1, "topk/part-00000.json.gz"] = whole[:-1]
    with pytest.raises(IntegrityError, match="topk/part"):
        world.release.verify(V1)


def test_without_manifest_there_is_no_model(world: World) -> None:
    del world.artefacts.files[V1, "manifest.json"]
    with pytest.raises(NotFoundError, match="no manifest"):
        world.release.verify(V1)


def test_a_manifest_of_another_version_is_refused(world: World) -> None:
    world.artefacts.files[V1, "manifest.json"] = world.artefacts.files[V2, "manifest.json"]
    with pytest.raises(IntegrityError, match="is that of"):
        world.release.verify(V1)


def test_a_damaged_manifest_is_refused(world: World) -> None:
    world.artefacts.files[V1, "manifest.json"] = b"{"
    with pytest.raises(IntegrityError, match="damaged"):
        world.release.verify(V1)


@pytest.mark.parametrize("version", ["", "latest", "../secrets", V1 + "\n", V1[:-1]])
def test_what_is_no_version_is_refused_by_name(world: World, version: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        world.release.verify(version)
    assert refused.value.field == "version"


def test_no_step_can_be_left_out(world: World) -> None:
    with pytest.raises(ConflictError):
        world.release.run("import", V1)
    with pytest.raises(ConflictError):
        world.release.run("check", V1)
    with pytest.raises(ConflictError):
        world.release.run("gate", V1)
    world.release.run("verify", V1)
    with pytest.raises(ConflictError, match="not passed the gate"):
        world.release.run("import", V1)
    with pytest.raises(ConflictError, match="no import"):
        world.release.run("check", V1)
    with pytest.raises(ConflictError):
        world.release.run("flip", V1)
    assert live_version(world) is None


def test_steps_can_be_repeated(world: World) -> None:
    for step in ("verify", "gate", "import", "check", "gate", "flip"):
        world.release.run(step, V1)
        world.release.run(step, V1)
    assert world.imports.started == [V1]
    assert live_version(world) == V1
    champion = world.registry.champion()
    assert champion is not None
    assert champion.revision == 1


def test_a_running_import_is_told_and_not_flipped(world: World) -> None:
    for step in ("verify", "gate", "import"):
        world.release.run(step, V1)
    world.imports.said[V1] = ImportReport("running", 1, 0)
    assert world.release.run("check", V1) == {"status": "running", "imported": 1}
    with pytest.raises(ConflictError):
        world.release.run("flip", V1)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (ImportReport("failed", 0, 0, "no such bucket"), "no such bucket"),
        (ImportReport("completed", 1, 0), "1 of 2"),
        (ImportReport("completed", 3, 0), "3 of 2"),
        (ImportReport("completed", 2, 1), "1 errors"),
    ],
)
def test_an_import_that_is_not_whole_is_refused(
    world: World, report: ImportReport, said: str
) -> None:
    for step in ("verify", "gate", "import"):
        world.release.run(step, V1)
    world.imports.said[V1] = report
    with pytest.raises(IntegrityError, match=said):
        world.release.run("check", V1)


def test_rows_that_read_back_wrong_are_refused(world: World) -> None:
    for step in ("verify", "gate", "import"):
        world.release.run(step, V1)
    world.imports.rows[V1]["u1"] = TopKList("m9", b"", b"", b"", "batch", 1)
    with pytest.raises(IntegrityError, match="1 of 2"):
        world.release.run("check", V1)


def test_an_unknown_step_is_refused(world: World) -> None:
    with pytest.raises(InvalidInputError):
        world.release.run("hurry", V1)


def test_a_release_that_came_between_wins(world: World) -> None:
    for step in ("verify", "gate", "import", "check"):
        world.release.run(step, V2)
    world.go_live(V1)
    stale = world.registry.champion()
    world.go_live(V2)
    with pytest.raises(ConflictError):
        world.registry.flip(stale, V1, date(2026, 1, 1))
