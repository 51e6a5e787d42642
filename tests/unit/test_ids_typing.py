"""mypy keeps viewers' ids and rows apart from movies', and ids apart from rows."""

import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]

# A line is refused by mypy exactly if it ends in a comment with the error's code.
CASES = """
import numpy as np
from topshelf.ids import IdMap, ItemId, ItemRow, UserId, UserRow

users = IdMap[UserId, UserRow].of([UserId("u1")])
items = IdMap[ItemId, ItemRow].of([ItemId("m1")])
user_row, item_row = users.row(UserId("u1")), items.row(ItemId("m1"))
assert user_row is not None and item_row is not None

users.name(user_row)
items.name(item_row)
items.names(np.array([item_row], dtype=np.int64))
items.name(user_row)  # arg-type
users.name(item_row)  # arg-type
items.name(7)  # arg-type
items.row(UserId("u1"))  # arg-type
items.row("m1")  # arg-type
items.row(user_row)  # arg-type
items.name(items.row(ItemId("m1")))  # arg-type
IdMap[ItemId, ItemRow].of([UserId("u1")])  # list-item
IdMap[ItemId, ItemRow](users.ids)  # arg-type
swapped: IdMap[UserId, UserRow] = items  # assignment
owner: UserRow = item_row  # assignment
named: UserId = items.name(item_row)  # assignment
named = items.names(np.array([0], dtype=np.int64))[0]  # assignment
text: str = items.name(item_row)
number: int = item_row
"""


@pytest.mark.timeout(300)
def test_mypy_refuses_the_wrong_kind_of_id_and_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "cases.py"
    source.write_text(CASES)
    monkeypatch.setenv("MYPYPATH", str(ROOT / "layers/core"))
    told, broken, _ = api.run(
        ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", str(source)]
    )
    assert not broken
    found = re.findall(r"cases\.py:(\d+): error: .*\[([a-z-]+)\]$", told, re.MULTILINE)
    lines = [re.search(r"# ([a-z-]+)$", line) for line in CASES.split("\n")]
    wanted = [(str(number), code[1]) for number, code in enumerate(lines, 1) if code]
    assert len(wanted) == 13
    assert found == wanted
