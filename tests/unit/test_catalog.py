"""The catalogue as JSON lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topshelf.catalog import Movie, encode_movies, parse_movies
from topshelf.errors import InvalidInputError

_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
_movies = st.builds(
    Movie,
    item_id=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=9),
    title=_texts,
    genres=st.lists(_texts, max_size=4).map(tuple),
    year=st.none() | st.integers(1850, 2200),
)


@given(st.lists(_movies, max_size=5, unique_by=lambda movie: movie.item_id))
def test_any_movie_survives(movies: list[Movie]) -> None:
    lines = encode_movies(movies).splitlines(keepends=True)
    assert len(lines) == len(movies)
    assert list(parse_movies(lines)) == sorted(movies, key=lambda movie: movie.item_id)


def test_the_same_set_gives_the_same_bytes() -> None:
    one, two = Movie(item_id="m1", title="One"), Movie(item_id="m2", title="Two", year=1999)
    assert encode_movies([two, one]) == encode_movies([one, two])
    assert encode_movies([two, one]) == (
        b'{"item_id":"m1","title":"One"}\n{"item_id":"m2","title":"Two","year":1999}\n'
    )


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"not json", "body"),
        (b'{"title":"One"}', "item_id"),
        (b'{"item_id":"m 1","title":"One"}', "item_id"),
        (b'{"item_id":"m1","title":""}', "title"),
        (b'{"item_id":"m1","title":"One","year":"1999"}', "year"),
        (b'{"item_id":"m1","title":"One","year":1492}', "year"),
        (b'{"item_id":"m1","title":"One","genres":["Drama",""]}', "genres.1"),
        (b'{"item_id":"m1","title":"One","rating":5}', "rating"),
    ],
)
def test_a_bad_line_is_named(line: bytes, field: str) -> None:
    good = b'{"item_id":"m0","title":"Zero"}'
    with pytest.raises(InvalidInputError, match="catalogue line 2: ") as caught:
        list(parse_movies([good, line]))
    assert caught.value.field == field
