"""Parts of an import: seen keys, newest events, packed lines."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import packing
from infra.importers.first_of_each import FirstOfEach
from infra.importers.newest import NewestPerViewer
from infra.importers.packing import LinePacker, compress
from infra.importers.refused import Refused
from tests.builders.interactions import NOON, interaction
from topshelf.events import Interaction, activity_sort_key, encode_line

_keys = st.lists(st.text(max_size=2), max_size=300)


@given(_keys, st.sampled_from([(1, 1), (3, 2), (40, 3), (7, 1000), (1000, 1000)]))
def test_the_first_of_each_key_in_memory_and_on_disk_alike(
    keys: list[str], bounds: tuple[int, int]
) -> None:
    with FirstOfEach(held=bounds[0], known=bounds[1]) as first:
        for number, key in enumerate(keys):
            first.add(key, b"%d %s" % (number, key.encode()))
        found = list(first.rows())
    expected = {key: number for number, key in reversed(list(enumerate(keys)))}
    assert found == [
        b"%d %s" % (number, key.encode())
        for key, number in sorted(expected.items(), key=lambda item: item[1])
    ]


def test_repeats_far_apart_are_found() -> None:
    with FirstOfEach(held=1_000, known=20) as first:
        for number in range(30_000):
            first.add(f"{number % 10_007}", b"%d" % number)
        assert list(first.rows()) == [b"%d" % number for number in range(10_007)]
        assert first.repeats == 30_000 - 10_007


def test_temporary_files_have_no_name_that_a_killed_import_could_leave_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with FirstOfEach(held=1) as first, NewestPerViewer(max_rows=1) as newest, Refused():
        first.add("a", b"row")
        newest.add("u", NOON, encode_line(interaction("u")))
        assert list(tmp_path.iterdir()) == []
        assert list(first.rows()) == [b"row"]
        assert list(newest.viewers()) == [[interaction("u")]]


_happenings = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50)), max_size=120)


@given(_happenings, st.integers(1, 4), st.integers(1, 40))
def test_the_newest_are_kept_in_memory_and_on_disk_alike(
    happened: list[tuple[int, int]], limit: int, max_rows: int
) -> None:
    expected: dict[str | None, list[Interaction]] = {}
    told = []
    with NewestPerViewer(limit, max_rows) as newest:
        for number, (who, when) in enumerate(happened):
            event = interaction(f"u{who}", event_id=f"{number:03d}", timestamp=NOON + when)
            newest.add(event.user_id, event.timestamp, encode_line(event))
            expected.setdefault(event.user_id, []).append(event)
        found = {}
        for events in newest.viewers():
            found[events[0].user_id] = events
            told.append(newest.share_given())
    assert found == {
        who: sorted(events, key=activity_sort_key, reverse=True)[:limit]
        for who, events in expected.items()
    }
    assert told == sorted(told)
    assert told[-1:] in ([], [0.99])


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
