"""What is told while an import runs: rows, rate, and the time left where it can be known."""

import gzip
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest
from backports import zstd
from rich.console import Console

from infra.cli import console
from infra.cli.console import About, stages
from infra.importers import Source, open_source, parquet_rows
from tests.builders.interactions import interaction
from topshelf.events import DEFAULT_POLICY, encode_line

LINES = b"".join(encode_line(interaction(event_id=f"e{n}")) for n in range(20_000))


def shares(source: Source) -> list[float | None]:
    """The share that is told after each row."""
    return [source.share_read() for _ in source.rows(DEFAULT_POLICY)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_the_share_of_files_is_that_of_their_bytes(tmp_path: Path, pack: type[bytes]) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (tmp_path / name).write_bytes(pack(LINES))
    source = open_source(tmp_path)
    assert source.share_read() == 0
    found = shares(source)
    assert all(share is not None for share in found)
    assert found == sorted(found)  # type: ignore[type-var]
    # Each file is a third of all, and buffers read ahead.
    for number, end in ((20_000, 1 / 3), (40_000, 2 / 3), (60_000, 0.99)):
        assert found[number - 1] == pytest.approx(end, abs=0.01)
    assert shares(source)[-1] == found[-1]


def test_the_share_of_parquet_is_that_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "_BATCH", 100)
    frame = pl.DataFrame({"USER_ID": ["u"] * 1_000, "ITEM_ID": "m", "TIMESTAMP": 1_700_000_000})
    for name in ("a", "b"):
        frame.write_parquet(tmp_path / name)
    found = shares(open_source(tmp_path))
    assert found == sorted(found)  # type: ignore[type-var]
    # What is told is as new as the last batch of rows.
    assert found[499] == pytest.approx(0.25, abs=0.06)
    assert found[1_499] == pytest.approx(0.75, abs=0.06)


def test_nobody_knows_how_much_comes_on_standard_input() -> None:
    assert set(shares(open_source("-", stdin=BytesIO(LINES)))) == {None}


def shown(monkeypatch: pytest.MonkeyPatch, reports: list[tuple[int, int]]) -> str:
    """The last state of a stage's line, each report a second after the one before."""
    written = StringIO()
    terminal = Console(file=written, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(console, "err", terminal)
    now = [0.0]
    monkeypatch.setattr(terminal, "get_time", lambda: now[0])
    with stages() as progress:
        for done, total in reports:
            now[0] += 1
            progress("import: rows", done, total)
    lines = [line for line in written.getvalue().splitlines() if "import: rows" in line]
    return lines[-1]


def test_what_is_known_by_bytes_shows_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    # The estimate may waver; the rate goes on.
    reports = [(n * 20_000, About(2_000_000 + n % 2 * 10_000)) for n in range(1, 41)]
    line = shown(monkeypatch, reports)
    assert "800,000/~2,000,000" in line
    assert "20,0" in line.split("2,000,000")[1]
    # 1,200,000 rows at 20,000 a second are a minute.
    assert any(f"0:0{at} left" in line for at in ("0:58", "0:59", "1:00", "1:01", "1:02"))


def test_nothing_is_made_up_where_the_size_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    line = shown(monkeypatch, [(n * 20_000, 0) for n in range(1, 41)])
    assert "800,000 " in line
    assert "20,000/s" in line
    assert "left" not in line
    assert "~" not in line


def test_the_end_shows_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    line = shown(monkeypatch, [(100, About(300)), (200, About(250)), (240, 240)])
    assert "240/240" in line
    assert "left" not in line
