"""Sources compressed with Zstandard: whole, in several frames, cut off, damaged, too wide."""

import gzip
import random
from io import BytesIO
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from infra.importers import RefusedRow, Source, open_source
from tests.builders.interactions import interaction
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, Interaction, encode_line

EVENTS = [interaction(event_id=f"e{n}") for n in range(3_000)]
LINES = b"".join(map(encode_line, EVENTS))
RATINGS = b"userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n"
ONE = Movie(item_id="m1", title="One")


def rows(source: Source) -> list[Interaction | RefusedRow]:
    return list(source.rows(DEFAULT_POLICY))


def in_frames(content: bytes, size: int) -> bytes:
    """One frame after another, each of ``size`` bytes unpacked, cut anywhere."""
    return b"".join(zstd.compress(content[at : at + size]) for at in range(0, len(content), size))


def with_window(content: bytes, log: int) -> bytes:
    """As a stream of unknown length is packed: the frame asks for the window, whatever it needs."""
    parameter = zstd.CompressionParameter.window_log
    packer = zstd.ZstdCompressor(options={int(parameter): log})
    return packer.compress(content) + packer.flush()


# 5 bytes that are skipped: the magic number, their length, the bytes.
SKIPPED = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"

PACKED = [
    zstd.compress(LINES),
    zstd.compress(LINES, 19),
    in_frames(LINES, 1_000),
    in_frames(LINES, 200_000),
    SKIPPED + zstd.compress(LINES[:999]) + SKIPPED + zstd.compress(LINES[999:]) + SKIPPED,
    zstd.compress(b"") + zstd.compress(LINES),
    with_window(LINES, 27),
]


@pytest.mark.parametrize("name", ["e.jsonl.zst", "e.jsonl", "e.jsonl.gz", "events"])
@pytest.mark.parametrize("packed", PACKED)
def test_it_is_known_by_content(tmp_path: Path, name: str, packed: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(packed)
    assert rows(open_source(path)) == EVENTS


@pytest.mark.parametrize("packed", PACKED)
def test_on_standard_input(packed: bytes) -> None:
    assert rows(open_source("-", stdin=BytesIO(packed))) == EVENTS


def test_a_folder_may_mix_compressions(tmp_path: Path) -> None:
    (tmp_path / "a.csv.zst").write_bytes(zstd.compress(RATINGS))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(RATINGS))
    (tmp_path / "c.csv").write_bytes(RATINGS)
    (tmp_path / "movies.csv.zst").write_bytes(zstd.compress(b"movieId,title,genres\n1,A,B\n"))
    source = open_source(tmp_path)
    assert source.description == "MovieLens CSV: a.csv.zst, b.csv.gz, c.csv, movies.csv.zst"
    assert len(rows(source)) == 3
    assert list(source.movies()) == [Movie(item_id="1", title="A", genres=("B",))]


def test_the_catalogue_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl.zst").write_bytes(zstd.compress(LINES))
    (tmp_path / "items.jsonl.zst").write_bytes(zstd.compress(encode_movies([ONE])))
    assert list(open_source(tmp_path / "e.jsonl.zst").movies()) == [ONE]


def test_an_empty_one_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl.zst").write_bytes(zstd.compress(b""))
    assert rows(open_source(tmp_path)) == []


def test_lines_that_hardly_compress_are_known_by_content() -> None:
    noise = random.Random(0)
    ids = [f"{noise.getrandbits(800):0200x}" for _ in range(2_000)]
    lines = b"".join(encode_line(interaction(item_id=item)) for item in ids)
    packed = zstd.compress(lines)
    assert len(packed) > len(lines) // 3
    found = rows(open_source("-", stdin=BytesIO(packed)))
    assert [row.item_id for row in found if isinstance(row, Interaction)] == ids


@pytest.mark.parametrize("name", ["e.jsonl.zst", "events"])
@pytest.mark.parametrize("kept", [4, 9, 300, -1])
def test_a_file_that_is_cut_off_is_told(tmp_path: Path, name: str, kept: int) -> None:
    path = tmp_path / name
    path.write_bytes(in_frames(LINES, 100_000)[:kept])
    with pytest.raises(InvalidInputError, match="is damaged after line") as caught:
        rows(open_source(path))
    assert caught.value.field == "path"
    assert str(path) in str(caught.value)
    assert "fetch the file again" in str(caught.value)


def test_lines_before_the_damage_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.zst"
    path.write_bytes(zstd.compress(LINES) + zstd.compress(LINES)[:-1])
    with pytest.raises(InvalidInputError, match=r"is damaged after line [3-6],\d\d\d"):
        rows(open_source(path))


@pytest.mark.parametrize("name", ["e.jsonl.zst", "events"])
def test_a_damaged_file_is_told(tmp_path: Path, name: str) -> None:
    packer = zstd.ZstdCompressor(options={int(zstd.CompressionParameter.checksum_flag): 1})
    whole = packer.compress(LINES) + packer.flush()
    path = tmp_path / name
    for damaged in (
        whole[:-200] + bytes([whole[-200] ^ 255]) + whole[-199:],
        whole[:-1] + bytes([whole[-1] ^ 1]),
        whole + b"rubbish",
        whole[:16] + b"\xff" * 60,
    ):
        path.write_bytes(damaged)
        for place, stdin, told in (
            (path, None, name),
            ("-", BytesIO(damaged), "standard input"),
        ):
            with pytest.raises(InvalidInputError, match=f"{told} is damaged after line"):
                rows(open_source(place, stdin=stdin))


def test_a_name_that_promises_too_much_is_told(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.zst"
    for content in (LINES, b""):
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match=r"e\.jsonl\.zst is damaged after line 0"):
            rows(open_source(tmp_path))


def test_a_window_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    packed = with_window(LINES, 28)
    named = tmp_path / "e.jsonl.zst"
    late = tmp_path / "late.jsonl.zst"
    named.write_bytes(packed)
    late.write_bytes(zstd.compress(LINES) + packed)
    for place, stdin in ((named, None), (late, None), ("-", BytesIO(packed))):
        with pytest.raises(InvalidInputError, match="window of more than 128 MiB") as caught:
            rows(open_source(place, stdin=stdin))
        assert "zstd -dc --long=31 FILE | topshelf import-events -" in str(caught.value)


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_in_its_place_are_rows_or_are_told(noise: bytes, at: int) -> None:
    packed = zstd.compress(LINES[:5_000])
    for content in (b"\x28\xb5\x2f\xfd" + noise, packed[:at] + noise + packed[at:]):
        try:
            found = rows(open_source("-", stdin=BytesIO(content)))
        except InvalidInputError:
            continue
        assert all(isinstance(row, Interaction | RefusedRow) for row in found)
