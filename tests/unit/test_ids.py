import numpy as np
import pytest

from topshelf.errors import IntegrityError
from topshelf.ids import IdMap, ItemId, ItemRow


def items_of(*ids: str) -> IdMap[ItemId, ItemRow]:
    return IdMap.of([ItemId(name) for name in ids])


def test_rows_follow_the_sorted_ids() -> None:
    ids = items_of("b", "a/b", "a", "B", "a")
    assert ids.ids == ("B", "a", "a/b", "b")
    assert [ids.row(ItemId(name)) for name in ("B", "b", "c")] == [0, 3, None]
    assert len(ids) == 4
    assert IdMap[ItemId, ItemRow].from_json(ids.to_json()) == ids


def test_ids_are_kept_without_spaces_between_them() -> None:
    assert items_of("b", "a").to_json() == b'["a","b"]'


def test_rows_lead_back_to_ids() -> None:
    ids = items_of("a", "b", "c")
    assert [ids.name(ItemRow(row)) for row in (0, 2)] == ["a", "c"]
    assert ids.names(np.array([2, 0, 2], dtype=np.int64)) == ["c", "a", "c"]
    assert ids.names(np.empty(0, dtype=np.int64)) == []


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_is_not_there_has_no_id(row: int) -> None:
    with pytest.raises(IndexError):
        items_of("a", "b", "c").name(ItemRow(row))


def test_a_row_below_nothing_is_named() -> None:
    with pytest.raises(IndexError, match=r"^row -2 is below 0$"):
        items_of("a").name(ItemRow(-2))


def test_nothing_maps_to_nothing() -> None:
    assert len(items_of()) == 0
    assert items_of().row(ItemId("a")) is None


@pytest.mark.parametrize("ids", [("b", "a"), ("a", "a")])
def test_unsorted_and_repeated_ids_need_another_way_in(ids: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"^ids must be distinct and sorted; use IdMap\.of$"):
        IdMap(tuple(ItemId(name) for name in ids))


@pytest.mark.parametrize(
    "raw", [b"", b'["b","a"]', b'["a","a"]', b"7", b'["a",1]', b"[1,2]", b'{"a":1}', b'"ab"']
)
def test_damaged_id_lists_are_refused(raw: bytes) -> None:
    with pytest.raises(
        IntegrityError, match=r"^the id list is damaged: .+; train the model again$"
    ):
        IdMap.from_json(raw)


@pytest.mark.parametrize("raw", [b"7", b'["a",1]', b"[1,2]", b'"ab"'])
def test_what_is_no_list_of_strings_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match="damaged: it is no list of strings; train"):
        IdMap.from_json(raw)
