"""Parts of an import: seen keys, newest events, packed lines."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import packing
from infra.importers.newest import NewestPerViewer
from infra.importers.packing import LinePacker, compress
from infra.importers.seen_keys import SeenKeys
from tests.builders.interactions import NOON, interaction
from topshelf.events import Interaction, activity_sort_key, encode_line


@given(st.lists(st.lists(st.text(max_size=2), max_size=30), max_size=30))
def test_seen_keys_are_a_set(batches: list[list[str]]) -> None:
    keys, seen = SeenKeys(), set[str]()
    for batch in batches:
        expected = []
        for key in batch:
            expected.append(key not in seen)
            seen.add(key)
        assert keys.first_sights(batch) == expected


_happenings = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50)), max_size=120)


@given(_happenings, st.integers(1, 4), st.integers(1, 40))
def test_the_newest_are_kept_in_memory_and_on_disk_alike(
    happened: list[tuple[int, int]], limit: int, max_rows: int
) -> None:
    expected: dict[str | None, list[Interaction]] = {}
    with NewestPerViewer(limit, max_rows) as newest:
        for number, (who, when) in enumerate(happened):
            event = interaction(f"u{who}", event_id=f"{number:03d}", timestamp=NOON + when)
            newest.add(event, encode_line(event))
            expected.setdefault(event.user_id, []).append(event)
        found = {events[0].user_id: events for events in newest.viewers()}
    assert found == {
        who: sorted(events, key=activity_sort_key, reverse=True)[:limit]
        for who, events in expected.items()
    }


def test_lines_are_packed_by_number_and_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_LINES", 3)
    monkeypatch.setattr(packing, "_BYTES", 10)
    put: list[tuple[str, bytes]] = []
    packer = LinePacker(lambda name, content: put.append((name, gzip.decompress(content))))
    for line in (b"a\n", b"b\n", b"c\n", b"dddddddd\n", b"e\n", b"f\n"):
        packer.add(line)
    packer.flush()
    packer.flush()
    assert [content for _, content in put] == [b"a\nb\nc\n", b"dddddddd\ne\n", b"f\n"]
    assert packer.objects == len({name for name, _ in put}) == 3
    assert all(len(name) == len("import-.jsonl.gz") + 32 for name, _ in put)


def test_equal_content_gives_equal_bytes() -> None:
    assert compress(b"abc") == compress(b"abc")
    assert compress(b"abc")[4:8] == bytes(4)
