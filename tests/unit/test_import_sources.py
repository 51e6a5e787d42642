"""Sources of an import: formats found, rows read, bad rows set apart."""

import gzip
from pathlib import Path

import pytest

from infra.importers import RefusedRow, open_source
from tests.builders.interactions import interaction
from topshelf.catalog import Movie, encode_movies
from topshelf.errors import InvalidInputError
from topshelf.events import DEFAULT_POLICY, MAX_LINE_BYTES, Interaction, encode_line

ONE = Movie(item_id="m1", title="One", genres=("Drama",), year=1999)


def rows(path: Path) -> list[Interaction | RefusedRow]:
    return list(open_source(path).rows(DEFAULT_POLICY))


def movies(path: Path) -> list[Movie | RefusedRow]:
    return list(open_source(path).movies())


def write(path: Path, content: bytes | str) -> Path:
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "2026.jsonl"])
def test_a_file_of_json_lines_with_the_catalogue_beside_it(tmp_path: Path, name: str) -> None:
    events = [interaction(item_id=f"m{n}") for n in range(3)]
    path = write(tmp_path / name, b"".join(map(encode_line, events)))
    write(tmp_path / "items.jsonl.gz", encode_movies([ONE]))
    assert rows(path) == events
    assert rows(tmp_path) == events
    assert movies(path) == [ONE]


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz", "c.jsonl"):
        write(tmp_path / name, encode_line(interaction(item_id=name)))
    write(tmp_path / "notes.txt", "not an event")
    (tmp_path / "d.jsonl").mkdir()
    read = [row.item_id for row in rows(tmp_path) if isinstance(row, Interaction)]
    assert read == ["a.jsonl.gz", "b.jsonl", "c.jsonl"]
    assert movies(tmp_path) == []


def test_bom_windows_line_ends_blank_lines_and_a_missing_last_line_end(tmp_path: Path) -> None:
    line = encode_line(interaction()).rstrip()
    path = write(tmp_path / "e.jsonl", b"\xef\xbb\xbf" + line + b"\r\n\r\n  \n" + b"x\n" + line)
    first, bad, last = rows(path)
    assert first == last == interaction()
    assert isinstance(bad, RefusedRow)
    assert (bad.line, bad.raw, bad.source) == (4, b"x", "e.jsonl")


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, MAX_LINE_BYTES + 2, 5 * MAX_LINE_BYTES])
def test_an_endless_line_costs_one_row_and_bounded_memory(tmp_path: Path, size: int) -> None:
    line = encode_line(interaction())
    long, good = rows(write(tmp_path / "e.jsonl", b"y" * size + b"\n" + line))
    assert good == interaction()
    assert isinstance(long, RefusedRow)
    assert long.line == 1
    assert len(long.raw) == MAX_LINE_BYTES
    assert str(MAX_LINE_BYTES) in long.refusal.detail


def test_the_longest_line_is_read(tmp_path: Path) -> None:
    line = encode_line(interaction()).rstrip()
    padded = line + b" " * (MAX_LINE_BYTES - len(line)) + b"\r\n"
    assert rows(write(tmp_path / "e.jsonl", padded + padded)) == [interaction()] * 2


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(encode_line(interaction(event_id=f"e{n}")) for n in range(999)))
    path = tmp_path / "e.jsonl.gz"
    for content in (whole[:-20], b"no gzip", whole[:200] + b"\xff" * 50 + whole[250:]):
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match="is damaged after line") as caught:
            rows(path)
        assert caught.value.field == "path"


def test_a_file_that_goes_away_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "e.jsonl", "")
    source = open_source(path)
    path.unlink()
    with pytest.raises(InvalidInputError, match="cannot be read: No such file") as caught:
        list(source.rows(DEFAULT_POLICY))
    assert caught.value.field == "path"


def test_bad_catalogue_lines_are_set_apart(tmp_path: Path) -> None:
    write(tmp_path / "e.jsonl", encode_line(interaction()))
    write(tmp_path / "items.jsonl", encode_movies([ONE]) + b'{"item_id":"m2"}\n')
    good, bad = movies(tmp_path)
    assert good == ONE
    assert isinstance(bad, RefusedRow)
    assert (bad.refusal.field, bad.line) == ("title", 2)


RATINGS_CSV = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n7,1029,3.0,851866703\n"


def test_ratings_become_interactions(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", RATINGS_CSV)
    assert rows(tmp_path) == [
        interaction("1", "31", event_type="rating", event_value=2.5, timestamp=1260759144000),
        interaction("7", "1029", event_type="rating", event_value=3.0, timestamp=851866703000),
    ]
    assert rows(tmp_path / "ratings.csv") == rows(tmp_path)
    assert movies(tmp_path) == []


def test_movies_csv_with_commas_quotes_years_and_no_genres(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", RATINGS_CSV)
    write(
        tmp_path / "movies.csv",
        "movieId,title,genres\r\n"
        "1,Plain (1995),Adventure|Comedy\r\n"
        '2,"Comma, The (1995)",Drama\r\n'
        '3,"A ""quoted"" Word (2001)",(no genres listed)\r\n'
        "4,Café Without Year,Drama\r\n"
        "5,2001 (1968) ,Sci-Fi\r\n"
        "6,Series (2006\N{EN DASH}2007),Drama\r\n"
        "7,Odd (0001),Drama\r\n"
        "8,(1999),Drama\r\n",
    )
    assert movies(tmp_path) == [
        Movie(item_id="1", title="Plain", genres=("Adventure", "Comedy"), year=1995),
        Movie(item_id="2", title="Comma, The", genres=("Drama",), year=1995),
        Movie(item_id="3", title='A "quoted" Word', year=2001),
        Movie(item_id="4", title="Café Without Year", genres=("Drama",)),
        Movie(item_id="5", title="2001", genres=("Sci-Fi",), year=1968),
        Movie(item_id="6", title="Series", genres=("Drama",), year=2006),
        Movie(item_id="7", title="Odd", genres=("Drama",)),
        Movie(item_id="8", title="(1999)", genres=("Drama",), year=1999),
    ]


def test_the_older_format_with_double_colons_and_latin_1(tmp_path: Path) -> None:
    write(tmp_path / "ratings.dat", "1::1193::5::978300760\n")
    write(
        tmp_path / "movies.dat",
        "1::Café: The Movie (1995)::Comedy|Drama\n".encode("latin-1"),
    )
    assert rows(tmp_path) == [
        interaction("1", "1193", event_type="rating", event_value=5.0, timestamp=978300760000)
    ]
    assert movies(tmp_path) == [
        Movie(item_id="1", title="Café: The Movie", genres=("Comedy", "Drama"), year=1995)
    ]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", "timestamp,x,rating,movieId,userId\n1260759144,?,4,m,u\n")
    (row,) = rows(tmp_path)
    assert isinstance(row, Interaction)
    assert (row.user_id, row.item_id, row.event_value) == ("u", "m", 4.0)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("1,31,2.5", "body"),
        ("1,31,2.5,1260759144,9", "body"),
        ('"1,31,2.5,1260759144', "body"),
        ("1,31,good,1260759144", "rating"),
        ("1,31,nan,1260759144", "event_value"),
        ("1,31,9,1260759144", "event_value"),
        ("1,31,2.5,yesterday", "timestamp"),
        ("1,31,2.5,1260759144000", "timestamp"),
        ("1,,2.5,1260759144", "item_id"),
        ("1 2,31,2.5,1260759144", "user_id"),
    ],
)
def test_a_bad_rating_costs_one_row(tmp_path: Path, line: str, field: str) -> None:
    write(tmp_path / "ratings.csv", RATINGS_CSV + line + "\n1,2,3,1260759144\n")
    good, _, bad, last = rows(tmp_path)
    assert isinstance(bad, RefusedRow)
    assert (bad.refusal.field, bad.line, bad.raw.decode()) == (field, 4, line)
    assert isinstance(good, Interaction)
    assert isinstance(last, Interaction)


@pytest.mark.parametrize("header", ["", "user,item\n", "1,31,2.5,1260759144\n"])
def test_a_missing_header_is_told(tmp_path: Path, header: str) -> None:
    write(tmp_path / "ratings.csv", header)
    with pytest.raises(InvalidInputError, match="does not begin with MovieLens's header") as caught:
        rows(tmp_path)
    assert caught.value.field == "path"


@pytest.mark.parametrize(
    ("names", "ask", "text"),
    [
        ([], "nothing-here", "does not exist; give a .jsonl"),
        ([], "", "holds no events; give a .jsonl"),
        (["items.jsonl"], "", "holds no events; give a .jsonl"),
        (["items.jsonl"], "items.jsonl", "is a catalogue"),
        (["events.xml"], "events.xml", "is of no known format; give a .jsonl"),
        (["a.jsonl", "ratings.csv"], "", "holds a.jsonl, ratings.csv; name the one"),
        (["ratings.dat", "ratings.csv"], "", "name the one to import"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, names: list[str], ask: str, text: str) -> None:
    for name in names:
        write(tmp_path / name, "")
    with pytest.raises(InvalidInputError, match=text) as caught:
        open_source(tmp_path / ask)
    assert caught.value.field == "path"
