"""The baked list: written at build time, read when nothing else answers."""

import json
from pathlib import Path

import pytest

from tests.fakes.serving_ports import ready_list
from topshelf.errors import IntegrityError
from topshelf.serving.baked import BAKED_NAME, bake, load_baked, read_baked

NO_TITLES = b'{"version": "v", "items": [], "scores": [], "generated_at": 1, "titles": 5}'


def test_what_is_baked_is_read_back() -> None:
    baked = read_baked(bake("v1", ready_list("m/1", "m%2", generated_at=7), {"m/1": "One"}))
    assert baked.version == "v1"
    assert baked.ready == ready_list("m/1", "m%2", generated_at=7)
    assert baked.titles == {"m/1": "One"}


def test_titles_of_other_items_are_not_baked() -> None:
    assert read_baked(bake("v1", ready_list("m1"), {"m2": "Two"})).titles == {}


def test_a_list_from_before_titles_were_baked_is_read() -> None:
    said = json.loads(bake("v1", ready_list("m1"), {}))
    del said["titles"]
    assert read_baked(json.dumps(said).encode()).ready == ready_list("m1")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b'{"items": 5}', NO_TITLES])
def test_a_damaged_file_is_told(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="bake it again"):
        read_baked(content)


def test_a_deployment_may_carry_none(tmp_path: Path) -> None:
    assert load_baked(tmp_path) is None
    (tmp_path / BAKED_NAME).write_bytes(bake("v1", ready_list("m1"), {}))
    loaded = load_baked(tmp_path)
    assert loaded is not None
    assert loaded.ready.item_ids() == ["m1"]
