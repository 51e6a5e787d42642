"""The baked list: written at build time, read when nothing else answers."""

from pathlib import Path

import pytest

from tests.fakes.serving_ports import ready_list
from topshelf.errors import IntegrityError
from topshelf.serving.baked import BAKED_NAME, bake, load_baked, read_baked


def test_what_is_baked_is_read_back() -> None:
    baked = read_baked(bake("v1", ready_list("m/1", "m%2", generated_at=7)))
    assert baked.version == "v1"
    assert baked.ready == ready_list("m/1", "m%2", generated_at=7)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b'{"items": 5}'])
def test_a_damaged_file_is_told(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="bake it again"):
        read_baked(content)


def test_a_deployment_may_carry_none(tmp_path: Path) -> None:
    assert load_baked(tmp_path) is None
    (tmp_path / BAKED_NAME).write_bytes(bake("v1", ready_list("m1")))
    loaded = load_baked(tmp_path)
    assert loaded is not None
    assert loaded.ready.item_ids() == ["m1"]
